"use strict";
const slider = document.getElementById("slice");
if (slider) {
  const numbers = slider.dataset.numbers.split(" ");
  const output = document.getElementById("slice-number");
  const pictures = document.querySelectorAll("img[data-slice]");
  const show = () => {
    const position = slider.value - 1;
    output.textContent = `${numbers[position]} of ${slider.dataset.total}`;
    slider.setAttribute("aria-valuetext", `slice ${output.textContent}`);
    for (const picture of pictures) {
      picture.hidden = Number(picture.dataset.slice) !== position;
    }
  };
  slider.closest(".slices").hidden = false;
  slider.addEventListener("input", show);
  show();
}
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) {
    details.open = true;
  }
});
