/** Whether the value is a finite number. NaN and infinity become null in JSON. */
export const isFiniteNumber = (value: number | null | undefined): value is number => typeof value === 'number' && Number.isFinite(value);
