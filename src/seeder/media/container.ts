/** What stands in a media file, before anybody judges it: plain data that a thread hands over. */
export interface Container {
  /** `MP4`, `QuickTime File Format`, `Matroska`, `WebM`, `WAVE`, `Ogg`, `FLAC`, `MP3`, `ADTS`, `MPEG Transport Stream`. */
  readonly format: string
  readonly video: VideoTrack | undefined
  readonly audio: AudioTrack | undefined
  readonly durationSeconds: number | undefined
  readonly title: string | undefined
  readonly isFaststart: boolean | undefined
}

export interface VideoTrack {
  /** Undefined: one that the reader does not know. */
  readonly codec: string | undefined
  /** As browsers name it, with profile and level: `avc1.640028` (RFC 6381). */
  readonly parameters: string | undefined
  readonly widthPx: number
  readonly heightPx: number
}

export interface AudioTrack {
  readonly codec: string | undefined
}
