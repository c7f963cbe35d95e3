/** `off`: a worker starts even runs that are predicted not to fit. */
export const admissionVariable = 'LLM_BARBER_ADMISSION';
