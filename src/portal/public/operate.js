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
if (place.dataset.steady === undefined) place.before(button)

async function refresh() {
  if (isPaused || document.hidden) return
  try {
    // marked, so that an open page keeps nobody signed in
    const headers = { accept: 'text/html', 'x-shoal-poll': '1' }
    const answer = await fetch(location.pathname, { redirect: 'error', headers })
    if (!answer.ok) throw new Error(String(answer.status))
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const fresh = page.getElementById('live')
    if (fresh !== null) place.replaceChildren(...fresh.childNodes)
    place.classList.remove('stale')
  } catch {
    place.classList.add('stale')
  }
}
setInterval(refresh, EVERY_MS)
