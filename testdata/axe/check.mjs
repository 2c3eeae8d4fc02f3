// Opens each page in headless Chromium and looks at it as its readers do: with axe-core (WCAG 2.1 A and AA,
// and its best practices) at three widths, light and dark; with text at twice its size; by the keyboard
// alone; and on paper, A4 and Letter. Prints each finding; exits with 1 if there is any.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import fs from 'node:fs'
import { spawnSync } from 'node:child_process'
import puppeteer from 'puppeteer-core'

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
const papers = { A4: 210, Letter: 216 } // mm
const margin = 14 // mm, as head.html has it
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'], headless: true })
let findings = 0, looks = 0

function find(...words) {
  findings++
  console.log(words.join(' '))
}

const page = await browser.newPage()
await page.setBypassCSP(true) // the page allows no script, and axe-core is one
let file
page.on('request', (r) => { if (!/^(file|data):/.test(r.url())) find(file, 'asks another host:', r.url()) })

async function look(width, scheme) {
  looks++
  await page.setViewport({ width, height: 900 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
}

const fold = (open) => page.evaluate((open) => document.querySelectorAll('details').forEach((d) => { d.open = open }), open)
const tooWide = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)

async function onScreen(width, scheme) {
  await look(width, scheme)
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules)
  for (const v of violations) {
    find(file, width, scheme + ':', v.id, `(${v.impact}),`, v.nodes.length, 'times, first', v.nodes[0].html.slice(0, 160))
  }
  const wider = await tooWide()
  if (wider > 0) find(file, width, scheme + ': wider than the screen by', wider)
}

async function large() {
  await look(1280, 'light')
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%' })
  const wider = await tooWide()
  if (wider > 0) find(file, 'with large text: wider than the screen by', wider)
  await page.evaluate(() => { document.documentElement.style.fontSize = '' })
}

// Each link, each fold and each region that scrolls is reached with Tab, is seen to be, and folds open.
async function keyboard() {
  await look(1280, 'light')
  const want = await page.evaluate(() => {
    const all = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter((e) => e.checkVisibility({ contentVisibilityAuto: true }))
    all.forEach((e, i) => { e.dataset.stop = i })
    return all.length
  })
  for (let i = 0; i < want; i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const e = document.activeElement, s = getComputedStyle(e)
      return { stop: e.dataset.stop, seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, what: e.outerHTML.slice(0, 80) }
    })
    if (at.stop !== String(i)) { find(file, 'by keyboard: stop', i, 'is', at.what); break }
    if (!at.seen) { find(file, 'by keyboard: the focus is not seen on', at.what); break }
  }
  for (const summary of await page.$$('body details > summary')) {
    if (!await summary.isVisible()) continue
    await summary.focus()
    const was = await summary.evaluate((s) => s.parentElement.open)
    await page.keyboard.press('Enter')
    if (await summary.evaluate((s) => s.parentElement.open) === was) find(file, 'by keyboard: a fold does not open')
  }
}

async function onPaper(name, millimetres) {
  const width = Math.floor((millimetres - 2 * margin) / 25.4 * 96)
  await look(width, 'dark')
  await page.emulateMediaType('print')
  const faults = await page.evaluate((width) => {
    const faults = []
    for (const e of document.body.querySelectorAll('*')) {
      if (e.closest('svg') && e.tagName !== 'svg') continue
      const box = e.getBoundingClientRect()
      if (box.right > width + 0.5 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible') faults.push(`wider than the page: ${e.outerHTML.slice(0, 80)}`)
      if (e.closest('details') && e.textContent.trim() && (!box.height || !e.checkVisibility({ contentVisibilityAuto: true }))) faults.push(`not on paper: ${e.outerHTML.slice(0, 80)}`)
    }
    if (getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)') faults.push('the paper is not white')
    return faults
  }, width)
  if (faults.length) find(file, 'on paper,', name + ':', faults.length, 'faults, first', faults[0])
  await printed(name)
  await page.emulateMediaType('screen')
}

// What a printer gets: no page is empty, and each column of each table is there. Needs pdftotext, of poppler.
async function printed(name) {
  if (spawnSync('pdftotext', ['-v']).error) return
  const text = spawnSync('pdftotext', ['-', '-'], { input: await page.pdf({ format: name }), maxBuffer: 1 << 28 }).stdout.toString().toLowerCase()
  const pages = text.replace(/\f$/, '').split('\f')
  pages.forEach((words, i) => { if (!words.trim()) find(file, 'printed on', name + ': page', i + 1, 'of', pages.length, 'is empty') })
  for (const column of await page.$$eval('thead th', (all) => all.map((e) => e.textContent))) {
    if (column.toLowerCase().split(/\s+/).some((word) => !text.includes(word))) find(file, 'printed on', name + ': no column', column)
  }
}

async function links() {
  for (const href of await page.$$eval('a[href]', (all) => all.map((a) => a.href))) {
    if (!href.startsWith('file:') || !fs.existsSync(fileURLToPath(href))) find(file, 'links to', href + ': no such file')
  }
  const head = await page.evaluate(() => [document.documentElement.lang, document.title])
  if (head.some((s) => !s)) find(file, 'has no language or title')
}

for (file of process.argv.slice(2)) {
  await page.goto('file://' + file.split('/').map(encodeURIComponent).join('/'))
  await links()
  await fold(false)
  await keyboard()
  await fold(false)
  for (const name in papers) await onPaper(name, papers[name])
  await fold(true)
  await large()
  await page.evaluate(axe)
  for (const width of [1280, 390, 320]) {
    for (const scheme of ['light', 'dark']) await onScreen(width, scheme)
  }
}
await browser.close()
console.log(`${process.argv.length - 2} pages, ${looks} looks, ${findings} findings`)
process.exit(findings ? 1 : 0)
