for (const list of document.querySelectorAll(".rows:has(tbody)")) {
  const body = list.querySelector("tbody");
  const rows = [...body.rows];
  const search = list.querySelector("input");
  const count = list.querySelector("output");
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  };
  search.addEventListener("input", show);
  for (const header of list.querySelectorAll("th")) {
    header.firstElementChild.addEventListener("click", () => {
      const ascending = header.getAttribute("aria-sort") !== "ascending";
      for (const other of list.querySelectorAll("th")) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const isNumber = header.className === "number";
      const value = (row) => {
        const cell = row.cells[header.cellIndex];
        const text = cell.dataset.value ?? cell.textContent;
        return isNumber ? (text === "" ? -Infinity : Number(text)) : text.toLowerCase();
      };
      const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
      rows.sort((one, other) => (ascending ? 1 : -1) * order(value(one), value(other)));
      body.append(...rows);
    });
  }
  list.querySelector(".list").hidden = false;
  show();
}
