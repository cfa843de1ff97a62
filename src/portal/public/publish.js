// Uploads what is dropped or chosen: the server is told of all files first, then each is sent so that it can go on later (tus).
const drop = document.getElementById('drop')
const { draft, csrf } = drop.dataset
const sending = document.getElementById('sending')
const bar = document.getElementById('bar')
const sent = document.getElementById('sent')
const pause = document.getElementById('pause')
const problem = document.getElementById('upload-problem')
const api = `/api/v1/drafts/${draft}/files`

const AT_ONCE = 3
const TOLD_AT_ONCE = 200
const CHUNK_BYTES = 32 * 1024 * 1024
const RETRY_MS = [0, 1000, 3000, 5000, 10000, 20000, 30000, 30000, 30000, 30000]

let isBusy = false
let isPaused = false
let running = []
let began = 0
let arrivedBefore = 0
const arrived = new Map()
let total = 0

drop.hidden = false

function say(text) {
  problem.textContent = text
  problem.hidden = text === ''
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: {
      accept: 'application/json',
      'x-csrf-token': csrf,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}))
  if (answer.status === 401) throw new Error('You are not signed in any more: sign in again.')
  if (!answer.ok) throw new Error(told.detail ?? `The server answered ${answer.status}.`)
  return told
}

/** What the server has of this draft, by path. */
async function known() {
  const files = new Map()
  let cursor
  do {
    const query = new URLSearchParams({ limit: '200', ...(cursor === undefined ? {} : { cursor }) })
    const page = await ask('GET', `${api}?${query}`)
    for (const file of page.items) files.set(file.path, file)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return files
}

/** @param {{ path: string, file: File }[]} chosen */
async function take(chosen) {
  if (isBusy) {
    say('Something is being uploaded already: drop these when it is done.')
    return
  }
  if (chosen.length === 0) {
    say('There is no file in that.')
    return
  }
  isBusy = true
  say('')
  try {
    const told = chosen.map(({ path, file }) => ({
      path,
      sizeBytes: file.size,
      modifiedMs: file.lastModified,
    }))
    for (let i = 0; i < told.length; i += TOLD_AT_ONCE)
      await ask('POST', api, { files: told.slice(i, i + TOLD_AT_ONCE) })
    const there = await known()
    const failed = await send(chosen.filter(({ path }) => there.get(path)?.isThere !== true), there)
    await showWhatIsThere()
    if (failed.length > 0) {
      const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
      say(`${failed[0]}${more} What has been uploaded is kept: choose the same files again to go on.`)
    }
  } catch (error) {
    say(`${error.message} What has been uploaded is kept: choose the same files again to go on.`)
    sending.hidden = true
  } finally {
    isBusy = false
  }
}

/** What the server has now, and what would be published; what was written into the form meanwhile stays. */
async function showWhatIsThere() {
  const answer = await fetch(location.pathname, { redirect: 'error', headers: { accept: 'text/html' } })
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`)
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const id of ['live', 'listed', 'reviewed', 'pictured', 'deciding'])
    document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes)
  const title = document.querySelector('input[name="title"]')
  if (title.value === '') title.value = page.querySelector('input[name="title"]').value
  sending.hidden = true
}

/** All of them, a few at once; answers a sentence for each that could not be sent. */
async function send(chosen, there) {
  total = chosen.reduce((sum, { file }) => sum + file.size, 0)
  arrived.clear()
  for (const { path } of chosen) arrived.set(path, there.get(path)?.arrivedBytes ?? 0)
  arrivedBefore = sum(arrived.values())
  began = performance.now()
  sending.hidden = false
  show()
  const failed = []
  const queue = [...chosen]
  const one = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await upload(next, there.get(next.path)?.uploadUrl)
      } catch (error) {
        failed.push(error.message)
        if (error.isSignedOut) queue.length = 0 // none of the others would be taken
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return failed
}

const sum = (values) => [...values].reduce((all, value) => all + value, 0)

function upload({ path, file }, uploadUrl) {
  return new Promise((resolve, reject) => {
    const running1 = new tus.Upload(file, {
      endpoint: '/api/v1/uploads',
      ...(uploadUrl === undefined ? {} : { uploadUrl }),
      metadata: { draft, path },
      headers: { 'x-csrf-token': csrf },
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_MS,
      storeFingerprintForResuming: false,
      onProgress(bytes) {
        arrived.set(path, bytes)
        show()
      },
      onSuccess() {
        arrived.set(path, file.size)
        running = running.filter((other) => other !== running1)
        show()
        resolve()
      },
      onError(error) {
        running = running.filter((other) => other !== running1)
        const status = error.originalResponse?.getStatus()
        const failure = new Error(`${path}: ${saidBy(status, error.originalResponse?.getBody()?.trim())}`)
        failure.isSignedOut = status === 401 || status === 403
        reject(failure)
      },
    })
    running.push(running1)
    if (!isPaused) running1.start()
  })
}

/** In the words of the server, where it has some. */
function saidBy(status, body) {
  if (status === 401 || status === 403) return 'you are not signed in any more: sign in again.'
  if (!body) return 'the server did not answer.'
  try {
    return `${JSON.parse(body).detail}.`
  } catch {
    return `${body}.`
  }
}

function show() {
  const bytes = sum(arrived.values())
  bar.max = Math.max(1, total)
  bar.value = bytes
  const perSecond = ((bytes - arrivedBefore) * 1000) / Math.max(1, performance.now() - began)
  const left = perSecond > 0 ? (total - bytes) / perSecond : Infinity
  const parts = [`${size(bytes)} of ${size(total)}`, `${Math.floor((100 * bytes) / Math.max(1, total))} %`]
  if (isPaused) parts.push('paused')
  else if (Number.isFinite(left) && perSecond > 0) parts.push(`${size(perSecond)}/s`, `${time(left)} left`)
  sent.textContent = parts.join(' · ')
}

function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  while (bytes >= 1000 && at < units.length - 1) {
    bytes /= 1000
    at += 1
  }
  return `${bytes >= 100 || at === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[at]}`
}

function time(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

pause.addEventListener('click', () => {
  isPaused = !isPaused
  pause.textContent = isPaused ? 'Go on' : 'Pause'
  for (const each of running) {
    if (isPaused) each.abort()
    else each.start()
  }
  began = performance.now()
  arrivedBefore = sum(arrived.values())
  show()
})

window.addEventListener('beforeunload', (event) => {
  if (isBusy && !isPaused && sum(arrived.values()) < total) event.preventDefault()
})

for (const id of ['pick-files', 'pick-folder'])
  document.getElementById(id).addEventListener('change', ({ target }) => {
    const files = [...target.files]
    target.value = '' // or the same files could not be chosen again
    take(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })))
  })

// A file is taken out without the page: what was written into the form stays.
document.getElementById('listed').addEventListener('submit', async (event) => {
  event.preventDefault()
  const path = new FormData(event.target).get('path')
  try {
    await ask('DELETE', `${api}?${new URLSearchParams({ path })}`)
    await showWhatIsThere()
  } catch (error) {
    say(error.message)
  }
})

for (const kind of ['dragenter', 'dragover'])
  drop.addEventListener(kind, (event) => {
    event.preventDefault()
    drop.classList.add('over')
  })
drop.addEventListener('dragleave', () => drop.classList.remove('over'))
drop.addEventListener('drop', async (event) => {
  event.preventDefault()
  drop.classList.remove('over')
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean)
  try {
    take((await Promise.all(entries.map((entry) => filesOf(entry)))).flat())
  } catch {
    say('What was dropped could not be read.')
  }
})

/** All files below what was dropped. */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
    return [{ path: entry.fullPath.slice(1), file }]
  }
  const reader = entry.createReader()
  const found = []
  // it gives them in portions, and nothing when there is no more
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    for (const each of some) found.push(...(await filesOf(each)))
  }
}
