/**
 * What a file is for people, by the ending of its name: the one table of it. A name says what was meant, costs nothing to
 * look at, and is known of releases whose bytes are elsewhere; what is really inside is for `seeder/media` to say.
 */

/** In the order in which lists of them stand. */
export const KINDS = ['video', 'audio', 'image', 'document', 'archive', 'software', 'other'] as const
export type Kind = (typeof KINDS)[number]

/** Of names, in lower case. */
export const ENDINGS: Readonly<Record<Exclude<Kind, 'other'>, string>> = {
  video: '3g2 3gp asf avi divx flv m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf ogm ogv qt ts vob webm wmv',
  audio:
    'aac ac3 aif aiff alac amr ape caf dsf flac m4a m4b mid midi mka mp2 mp3 oga ogg opus ra wav weba wma',
  image:
    'ai arw avif bmp cr2 cr3 dng eps gif heic heif ico indd jpe jpeg jpg jxl nef png psd raf raw svg tga tif tiff webp xcf',
  document:
    'azw3 csv doc docm docx dot dotx epub htm html ics key latex log md mht mobi numbers odg odp ods odt pages pdf pot potx ' +
    'pps ppsx ppt pptm pptx ps pub rst rtf tex tsv txt vsd vsdx xls xlsb xlsm xlsx xml',
  archive: '7z ace arj br bz2 cab cpio gz lha lz lz4 lzh lzma rar tar tbz tbz2 tgz txz xz z zip zst',
  software:
    'apk appimage appx appxbundle bat bin bundle cmd com crx deb dll dmg elf esd exe flatpak fw img ipa iso jar msi msix ' +
    'msixbundle msp msu nupkg ova ovf pkg ps1 qcow2 raspi rom rpm run sh snap swm vdi vhd vhdx vmdk war whl wim xpi',
}

const KIND_OF_ENDING = new Map(
  KINDS.filter((kind) => kind !== 'other').flatMap((kind) =>
    ENDINGS[kind].split(' ').map((ending) => [ending, kind] as const),
  ),
)

/** Of a file, by the last ending of its name or path. */
export function kindOfName(name: string): Kind {
  const ending = /\.([^./\\]{1,10})$/.exec(name)?.[1]
  return KIND_OF_ENDING.get(ending?.toLowerCase() ?? '') ?? 'other'
}

/** Of a release: the kind that most of its bytes are of; of equals the one that comes first in {@link KINDS}. */
export function kindOfFiles(files: Iterable<{ readonly path: string; readonly sizeBytes: number }>): Kind {
  const bytes = new Map<Kind, number>()
  for (const { path, sizeBytes } of files) {
    const kind = kindOfName(path)
    bytes.set(kind, (bytes.get(kind) ?? 0) + sizeBytes)
  }
  let most: Kind = 'other'
  for (const kind of KINDS) if ((bytes.get(kind) ?? 0) > (bytes.get(most) ?? 0)) most = kind
  return most
}
