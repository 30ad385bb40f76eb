// Asks the loan services, through the portal, what a limit is and what of it is used.
const form = document.getElementById("limit");

const yuan = (fen) => `¥${(fen / 100).toLocaleString("zh-CN", { minimumFractionDigits: 2 })}`;

form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = new FormData(form);
    const answer = await fetch(`api/v1/limits/${encodeURIComponent(asked.get("limit"))}`, {
        headers: { "X-Legal-Entity": asked.get("entity") },
    });
    const { used, total, none } = form.dataset;
    if (answer.ok) {
        const limit = await answer.json();
        form.querySelector("output").value = `${total} ${yuan(limit.cap_fen)} · ${used} ${yuan(limit.used_fen)}`;
    } else {
        form.querySelector("output").value = `${none} (${answer.status})`;
    }
});
