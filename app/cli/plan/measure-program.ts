/** Program: measures this machine with the engine in its first argument (JSON), in the folder of its second. Prints one line of JSON. */
import { measureMachine } from '../../planning/measure.js';
import { Fault } from '../../../errors/fault.js';
import type { EngineRequest } from '../../../science/engine/index.js';

try {
  console.log(JSON.stringify({ machine: await measureMachine(JSON.parse(process.argv[2]) as EngineRequest, process.argv[3]) }));
} catch (error) {
  console.log(JSON.stringify({ problem: error instanceof Fault ? error.text.what : String(error) }));
}
