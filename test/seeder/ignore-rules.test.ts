import assert from 'node:assert/strict'
import { IgnoreRules } from '../../src/seeder/ignore-rules.ts'
import { ShoalError } from '../../src/core/errors.ts'

describe('IgnoreRules', () => {
  it('always leave out what desktops, editors and downloads leave about', () => {
    const rules = IgnoreRules.standard()
    for (const path of [
      '.shoalignore',
      'a/.DS_Store',
      'THUMBS.DB',
      'b/film.mp4.part',
      'x.crdownload',
      '.~lock.a.odt#',
      '~$plan.docx',
      'notes.txt~',
      '#notes.txt#',
      'film.mp4.aria2',
    ])
      assert.equal(rules.isIgnored(path, 'file'), true, path)
    for (const path of ['a~b.txt', '#1.mp3', 'plan$.docx'])
      assert.equal(rules.isIgnored(path, 'file'), false, path)
  })

  it('ship hidden files and folders that no rule names', () => {
    const rules = IgnoreRules.standard()
    assert.equal(rules.isIgnored('.git', 'folder'), false)
    assert.equal(rules.isIgnored('.keep', 'file'), false)
  })

  it('read gitignore patterns, folders and exceptions among them', () => {
    const rules = IgnoreRules.standard().withFile('', '# mine\n*.tmp\n/build/\n!keep.tmp\n')
    assert.equal(rules.isIgnored('a/x.tmp', 'file'), true)
    assert.equal(rules.isIgnored('keep.tmp', 'file'), false)
    assert.equal(rules.isIgnored('build', 'folder'), true)
    assert.equal(rules.isIgnored('build', 'file'), false)
    assert.equal(rules.isIgnored('a/build', 'folder'), false)
  })

  it('let a nested file win within its folder only', () => {
    const rules = IgnoreRules.standard().withFile('', '*.raw\n').withFile('cam/', '!*.raw\nsecret\n')
    assert.equal(rules.isIgnored('one.raw', 'file'), true)
    assert.equal(rules.isIgnored('cam/one.raw', 'file'), false)
    assert.equal(rules.isIgnored('cam/secret', 'file'), true)
  })

  it('refuse files that would make matching slow', () => {
    for (const text of ['*a'.repeat(20), 'x'.repeat(600), 'x\n'.repeat(3_000)])
      assert.throws(() => IgnoreRules.standard().withFile('', text), ShoalError)
  })
})
