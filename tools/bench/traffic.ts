/**
 * Measures what one decoder layer costs in addition to the matrix products: bytes between host and device, and seconds of JavaScript,
 * while a method makes its masks. Starts with random bfloat16 weights in a file, masks of 50 % from a store, and hidden states on the
 * device. Then does everything that a run does: reads weights, makes and checks masks, packs them and writes them to a store.
 *
 * The bytes are the same on a CPU and on a GPU, so `device` shows on any machine what a GPU would transfer.
 *
 * usage: node dist/tools/bench/traffic.js [SHAPE,...] [METHOD,...] [PLACE,...]
 *   shapes: 7b, 13b, 135m; methods: published and guarded (rebuilds), and magnitude, wanda, sparsegpt, admm (initial masks);
 *   places (where masks are selected): host, device. Default: 7b,13b, both rebuilds, both places
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../files/artifacts/index.js';
import { bytesText } from '../../errors/bytes-text.js';
import { openEngine, selectOn, type Traffic } from '../../science/engine/index.js';
import { layerCase, shapes, type Shape } from './traffic/layer-case.js';
import { initialOnce } from './traffic/initial-once.js';
import { rebuildOnce } from './traffic/rebuild-once.js';

const rebuilds = ['published', 'guarded'] as const;
const initials = ['magnitude', 'wanda', 'sparsegpt', 'admm'] as const;
const places = ['host', 'device'] as const;

/** Returns the requested names, or all known names if none is requested. */
function chosen<T extends string>(known: readonly T[], asked: string | undefined): T[] {
  const names = asked?.split(',') ?? known;
  return names.map((name) => {
    if (!known.includes(name as T)) throw new Error(`${name} is not one of ${known.join(', ')}`);
    return name as T;
  });
}

function isRebuild(method: (typeof rebuilds | typeof initials)[number]): method is (typeof rebuilds)[number] {
  return rebuilds.some((name) => name === method);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cellsOf({ up, down, operations, seconds }: Traffic, weights: number): string[] {
  const share = `${((100 * up) / (2 * weights)).toFixed(1)} %`;
  return [bytesText(up), share, bytesText(down), (down * 8 / weights).toFixed(2), `${operations}`, ...Object.values(seconds).map((value) => value.toFixed(2))];
}

const [askedShapes, askedMethods = rebuilds.join(), askedPlaces] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'traffic-'));
try {
  const engine = await openEngine({ backend: 'tensorflow' });
  console.log(`${engine.device}, ${engine.kernels ?? ''}, ${engine.threads} threads; one layer, 4 windows of 256 tokens, 50 %, granularity block\n`);
  console.log(row(['layer', 'method', 'selection', 'up', 'of 16-bit weights', 'down', 'bits down per weight', 'calls', 's products', 's elementwise', 's transfers', 's JavaScript', 's waiting']));
  console.log(row(['---', '---', '---', ...Array.from({ length: 10 }, () => '--:')]));
  for (const shape of chosen(Object.keys(shapes) as Shape[], askedShapes ?? '7b,13b')) {
    const made = await layerCase(shape, join(folder, shape));
    for (const method of chosen([...rebuilds, ...initials], askedMethods)) {
      for (const place of chosen(places, askedPlaces)) {
        selectOn(place);
        const store = await openStore(join(folder, `${shape}-${method}-${place}`), undefined);
        const traffic = await (isRebuild(method) ? rebuildOnce(made, method, store) : initialOnce(made, method, store));
        console.log(row([shape, method, place, ...cellsOf(traffic, made.weights)]));
      }
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
