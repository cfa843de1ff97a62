/** "Don't upload from this computer": kept in this browser, for all films. */
import type { Viewer } from '../engine/viewer.ts'

const KEY = 'shoal.no-upload'

export function uploadSwitch(page: HTMLElement, viewer: Viewer): void {
  const box = page.querySelector<HTMLInputElement>('input[data-no-upload]')
  if (box === null) return
  box.checked = read()
  box.disabled = false
  viewer.upload(!box.checked)
  box.addEventListener('change', () => {
    write(box.checked)
    viewer.upload(!box.checked)
  })
}

function read(): boolean {
  try {
    return localStorage.getItem(KEY) === '1'
  } catch {
    return false // storage is switched off: the choice holds for this page
  }
}

function write(isOff: boolean): void {
  try {
    if (isOff) localStorage.setItem(KEY, '1')
    else localStorage.removeItem(KEY)
  } catch {
    // it holds for this page
  }
}
