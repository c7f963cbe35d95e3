/**
 * A script that turns the headings of tables of the class `sort` into buttons that sort. Rows without a value come last, in both
 * directions.
 */
export const sortFunction = `
document.documentElement.classList.add('scripted');
const makeSortable = (place) => {
for (const table of place.querySelectorAll('table.sort')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const sign = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', sign === 1 ? 'ascending' : 'descending');
      const keyed = [...table.tBodies[0].rows].map((row) => {
        const { dataset, textContent } = row.cells[column];
        return { row, text: textContent, number: dataset.v === undefined ? NaN : Number(dataset.v) };
      });
      const isNumber = keyed.some(({ number }) => !Number.isNaN(number));
      const isMissing = ({ number, text }) => (isNumber ? Number.isNaN(number) : text === '');
      const order = (a, b) => (isNumber ? a.number - b.number : a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
      keyed.sort((a, b) => isMissing(a) - isMissing(b) || (isMissing(a) ? 0 : sign * order(a, b)));
      table.tBodies[0].append(...keyed.map(({ row }) => row));
    });
  });
}
};
`;

export const sortScript = `${sortFunction}makeSortable(document);
`;
