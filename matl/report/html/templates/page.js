"use strict";
function showMore(box) {
  const rest = box.scrollWidth - box.clientWidth - box.scrollLeft;
  box.classList.toggle("cut", rest > 2);
}
const watch = new ResizeObserver((seen) => seen.forEach((one) => showMore(one.target)));
for (const box of document.querySelectorAll(".scroll")) {
  showMore(box);
  watch.observe(box);
  box.addEventListener("scroll", () => showMore(box), { passive: true });
}
function sortBy(head) {
  const body = head.closest("table").tBodies[0];
  const down = head.getAttribute("aria-sort") === "ascending";
  const numeric = head.classList.contains("number");
  const key = (row) => row.cells[head.cellIndex].dataset.order;
  const compare = (a, b) => (numeric ? a - b : a.localeCompare(b));
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return down ? compare(b, a) : compare(a, b);
  });
  for (const cell of head.parentElement.cells) cell.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}
