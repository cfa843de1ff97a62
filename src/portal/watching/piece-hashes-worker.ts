/** A thread that reads the pieces' hashes from one large description. */
import { answerAside } from '../../platform/aside.ts'
import { parseInfo } from '../../wire/torrent.ts'

answerAside((infoBytes) => parseInfo(infoBytes).metainfo.pieces.slice())
