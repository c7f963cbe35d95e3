/** Whether there is such a number. One that is none, or has no end, is null in JSON. */
export const known = (value: number | null | undefined): value is number => typeof value === 'number' && Number.isFinite(value);
