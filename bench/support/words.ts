/** Words of a company's library, the frequent ones first. */

/** In every second title. */
export const KINDS = ['training', 'course', 'recording', 'image', 'manual', 'bundle', 'update', 'webinar']
export const TOPICS = [
  'Fire safety', 'Forklift', 'First aid', 'Data protection', 'Welding', 'Hydraulics', 'Onboarding', 'Accounting',
  'Working at height', 'Laboratory', 'Cold chain', 'Crane operation', 'Electrical safety', 'Code of conduct',
  'Customer service', 'Warehouse scanner', 'Robot cell', 'Paint shop', 'Injection moulding', 'Quality audit',
  'Export control', 'Travel expenses', 'Leadership', 'Negotiation', 'Incident response', 'Phishing awareness',
  'Workstation', 'Point of sale', 'Kiosk', 'Thin client', 'Geodata', 'Turbine inspection', 'Rail signalling',
  'Noise protection', 'Hazardous goods', 'Lockout tagout', 'Spare parts', 'Packaging line', 'Metrology', 'Payroll',
] // prettier-ignore
export const PLACES = [
  'Leipzig', 'Göteborg', 'Lyon', 'Porto', 'Gdańsk', 'Brno', 'Torino', 'Bilbao', 'Cork', 'Utrecht', 'Tampere', 'Graz',
  'Debrecen', 'Ljubljana', 'Aarhus', 'Bergen', 'Antwerp', 'Basel', 'Kraków', 'Sheffield',
] // prettier-ignore
const PROSE =
  `this for the new all staff who work with machines at every site please watch before first shift it shows
  how to check report and store what changed since last year contains slides handout questions subtitles in several
  languages recorded by our experts during maintenance week replaces older version valid until further notice ask your
  supervisor about exceptions pressure valve temperature sensor conveyor emergency exit ladder gloves helmet software
  licence network printer storage backup restore password invoice supplier contract calibration torque bearing`
    .split(/\s+/)
    .filter((word) => word !== '')
export const GROUPS = Array.from({ length: 200 }, (_, i) => `dept-${String(i).padStart(3, '0')}`)
export const TAGS = ['safety', 'video', 'software', 'mandatory', 'english', 'german', 'french', 'archive']

/** The first ones far more often than the last, as in any language. */
export function frequentOf<T>(items: readonly T[], random: () => number): T {
  return oneOf(items, () => random() ** 2)
}

export function oneOf<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to choose from')
  return item
}

export function prose(count: number, random: () => number): string {
  return Array.from({ length: count }, () => frequentOf(PROSE, random)).join(' ')
}

/** What stands in one bundle only. */
export const codeOf = (i: number): string => `qx${(i * 7_919 + 13).toString(36)}z`
