package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast computes what WCAG 2.1 asks of text (1.4.3) and of graphics (1.4.11), in both schemes, for each
// colour on each background that the pages have. All colours are variables, so that none is left out.
func TestContrast(t *testing.T) {
	var css strings.Builder
	for _, name := range []string{"head.html", "page.html", "index.html"} {
		text, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		css.Write(text)
	}
	schemes := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(css.String(), -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes, want light and dark", len(schemes))
	}
	rest := regexp.MustCompile(`:root \{[^}]*\}`).ReplaceAllString(css.String(), "")
	if found := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgba?\(|opacity:`).FindString(rest); found != "" {
		t.Errorf("a colour that is no variable: %s", found)
	}
	for i, scheme := range schemes {
		colour := map[string][3]float64{}
		for _, v := range regexp.MustCompile(`--(\w+):#(\w+)`).FindAllStringSubmatch(scheme[1], -1) {
			colour[v[1]] = rgb(t, v[2])
		}
		for _, back := range []string{"paper", "card"} {
			for name := range colour {
				least := 4.5 // text
				switch name {
				case "paper", "card", "line": // backgrounds, and lines that tell nothing
					continue
				case "quiet":
					least = 3 // graphics
				}
				if got := contrast(colour[name], colour[back]); got < least {
					t.Errorf("scheme %d: %s on %s has %.2f, want %.1f", i, name, back, got, least)
				}
			}
		}
	}
	if use := regexp.MustCompile(`[ ;{]color:var\(--(quiet|line|card)\)`).FindString(css.String()); use != "" {
		t.Errorf("a colour of graphics is used for text: %s", use)
	}
}

func rgb(t *testing.T, hex string) (c [3]float64) {
	t.Helper()
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	for i := range c {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c[i] = float64(n) / 255
	}
	return c
}

// contrast is the contrast ratio of WCAG 2.1.
func contrast(a, b [3]float64) float64 {
	luminance := func(c [3]float64) float64 {
		for i, v := range c {
			if v <= 0.03928 {
				c[i] = v / 12.92
			} else {
				c[i] = math.Pow((v+0.055)/1.055, 2.4)
			}
		}
		return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] + 0.05
	}
	x, y := luminance(a), luminance(b)
	return max(x, y) / min(x, y)
}

// TestSegmentsAreApart: two segments of a bar that touch are told apart by a line of the paper's colour.
func TestSegmentsAreApart(t *testing.T) {
	head, _ := pageFiles.ReadFile("head.html")
	if !strings.Contains(string(head), "rect { stroke:var(--paper); stroke-width:2px }") {
		t.Error("the segments have no edge")
	}
}
