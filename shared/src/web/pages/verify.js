const form = document.querySelector("form.ask");
const input = document.getElementById("file");
const fits = () => {
  const large = input.files[0]?.size > Number(form.dataset.most);
  document.getElementById("problem").textContent = large ? form.dataset.large : "";
  return !large;
};
input.addEventListener("change", fits);
form.addEventListener("submit", (event) => {
  if (!fits()) event.preventDefault();
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.toggle("over", name === "dragover");
  });
}
document.addEventListener("drop", ({ dataTransfer }) => {
  if (dataTransfer.files.length === 0) {
    document.getElementById("text").value = dataTransfer.getData("text");
    return;
  }
  input.files = dataTransfer.files;
  form.requestSubmit();
});
