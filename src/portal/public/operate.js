// Puts what is fresh into the page every five seconds, while it is looked at: figures, how far something is. Without this script the
// page loads itself anew (a <noscript> in its head).
const EVERY_MS = 5000
const place = document.getElementById('live')
let isPaused = false

const button = document.createElement('button')
button.type = 'button'
button.className = 'secondary outline small'
button.textContent = 'Pause'
button.addEventListener('click', () => {
  isPaused = !isPaused
  button.textContent = isPaused ? 'Go on' : 'Pause'
})
// Above the whole page where there are figures, which are renewed as well.
if (place.dataset.steady === undefined) (document.querySelector('h1') ?? place).before(button)

async function refresh() {
  if (isPaused || document.hidden) return
  try {
    const address = location.pathname + location.search
    // marked, so that an open page keeps nobody signed in
    const headers = { accept: 'text/html', 'x-shoal-poll': '1' }
    const answer = await fetch(address, { redirect: 'error', headers })
    if (!answer.ok) throw new Error(String(answer.status))
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const old of document.querySelectorAll('#live, [data-fresh]')) {
      const fresh = page.getElementById(old.id)
      // Where somebody stands with the keyboard figures are not taken from under them.
      const isHeld = old !== place && old.contains(document.activeElement)
      if (fresh !== null && !isHeld) old.replaceChildren(...fresh.childNodes)
    }
    for (const charts of document.querySelectorAll('.charts'))
      charts.hidden = page.querySelector('.charts')?.hidden ?? charts.hidden
    place.classList.remove('stale')
    document.dispatchEvent(new Event('shoal:fresh'))
  } catch {
    place.classList.add('stale')
  }
}
setInterval(refresh, EVERY_MS)
document.addEventListener('visibilitychange', refresh)
