// Opens each page in headless Chromium at three widths, light and dark, with everything unfolded, and asks
// axe-core (WCAG 2.1 A and AA, and its best practices). Prints each finding; exits with 1 if there is any.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import puppeteer from 'puppeteer-core'

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'], headless: true })
let findings = 0, looks = 0
for (const file of process.argv.slice(2)) {
  for (const width of [1280, 390, 320]) {
    for (const scheme of ['light', 'dark']) {
      const page = await browser.newPage()
      await page.setBypassCSP(true) // the page allows no script, and axe-core is one
      await page.setViewport({ width, height: 900 })
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      await page.goto('file://' + file)
      await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true }))
      await page.evaluate(axe)
      const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules)
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      for (const v of violations) {
        findings++
        console.log(`${file} ${width} ${scheme}: ${v.id} (${v.impact}), ${v.nodes.length} times, first ${v.nodes[0].html.slice(0, 160)}`)
      }
      if (wider > 0) {
        findings++
        console.log(`${file} ${width} ${scheme}: wider than the screen by ${wider}`)
      }
      looks++
      await page.close()
    }
  }
}
await browser.close()
console.log(`${process.argv.length - 2} pages, ${looks} looks, ${findings} findings`)
process.exit(findings ? 1 : 0)
