/** Returns an input from outside as an object, so that reading its keys does not throw. A worker checks the input later. */
export function asObject<Sent extends object>(sent: Sent): Sent {
  return typeof sent === 'object' && (sent as Sent | null) !== null ? sent : ({} as Sent);
}
