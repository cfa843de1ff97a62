/** `count` different numbers below `below`, or all of them; in the order in which chance gave them. */
export function drawn(below: number, count: number, random: () => number): readonly number[] {
  const numbers = new Set<number>()
  while (numbers.size < Math.min(below, count)) numbers.add(Math.floor(random() * below))
  return [...numbers]
}
