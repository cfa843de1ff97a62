/** Who sends what, in a few words, for whoever plays; the figures beside it for whoever is curious. */
import type { Figures } from '../engine/figures.ts'

export interface ChipParts {
  /** Has `data-watch`; its figures are for programs, too. */
  readonly root: HTMLElement
  readonly summary: HTMLElement
  readonly details: ReadonlyMap<string, HTMLElement>
}

export function chipOf(root: HTMLElement): ChipParts | undefined {
  const summary = root.querySelector<HTMLElement>('[data-chip]')
  if (summary === null) return undefined
  const details = new Map<string, HTMLElement>()
  for (const element of root.querySelectorAll<HTMLElement>('[data-figure]'))
    details.set(element.dataset['figure'] ?? '', element)
  return { root, summary, details }
}

/** `trouble`, where there is some, is said in place of the share. */
export function showFigures({ root, summary, details }: ChipParts, figures: Figures, trouble?: string): void {
  const { colleaguesBytes, serverBytes, gatewayBytes, uploadedBytes, peers } = figures
  const { downPerSecond, upPerSecond } = figures
  Object.assign(root.dataset, {
    colleaguesBytes: String(colleaguesBytes),
    serverBytes: String(serverBytes),
    gatewayBytes: String(gatewayBytes),
    uploadedBytes: String(uploadedBytes),
    peers: String(peers),
    downBps: String(Math.round(downPerSecond)),
    upBps: String(Math.round(upPerSecond)),
  })
  setText(summary, trouble ?? shareText(figures))
  setText(details.get('peers'), String(peers))
  setText(details.get('down'), rateText(downPerSecond))
  setText(details.get('up'), rateText(upPerSecond))
  setText(details.get('colleagues'), sizeText(colleaguesBytes))
  setText(details.get('server'), sizeText(serverBytes))
  setText(details.get('uploaded'), sizeText(uploadedBytes))
}

/** Readers of screens are told of what changes, so nothing is set that is there. */
function setText(element: HTMLElement | undefined, text: string): void {
  if (element !== undefined && element.textContent !== text) element.textContent = text
}

export function shareText({ colleaguesBytes, serverBytes, peers }: Figures): string {
  const all = colleaguesBytes + serverBytes
  if (colleaguesBytes === 0)
    return peers === 0 ? 'From the server: no colleague watches this now' : 'From the server, so far'
  return `${Math.round((100 * colleaguesBytes) / all)} % from colleagues`
}

const rateText = (bytesPerSecond: number): string =>
  bytesPerSecond < 1_000 ? 'nothing' : `${sizeText(bytesPerSecond)}/s`

function sizeText(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(2)} GB`
}
