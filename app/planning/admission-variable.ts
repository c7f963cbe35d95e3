/** `off`: a worker starts even what is predicted not to fit. */
export const admissionVariable = 'LLM_BARBER_ADMISSION';
