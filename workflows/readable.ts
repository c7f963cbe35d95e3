/** What anybody may have sent, as an object: of anything else no key can be read. A worker checks it later. */
export function readable<Sent extends object>(sent: Sent): Sent {
  return typeof sent === 'object' && (sent as Sent | null) !== null ? sent : ({} as Sent);
}
