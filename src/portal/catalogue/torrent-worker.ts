/** A thread that reads one large torrent. */
import { answerAside } from '../../platform/aside.ts'
import { packTorrent } from '../../wire/packed-torrent.ts'
import { parseTorrent } from '../../wire/torrent.ts'

answerAside((bytes) => packTorrent(parseTorrent(bytes)))
