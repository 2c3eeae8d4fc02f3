package mapping

import (
	"slices"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
)

// What several columns and scores say of one header stands together in the contract.
func TestContractOfSharedHeaders(t *testing.T) {
	p := compile(t, with(t,
		"      id: {header: ID, required: true}\n", "      account: ID\n      id: {header: ID, required: true}\n      points: Score\n      share: {header: Pct, type: integer}\n",
		"    scores: tables.scores\n", "    scores: tables.scores\n    ignore:\n      the person: [Name, \"Id*\"]\n      the person again: [Name, ID]\n",
	), params("school_year", "2024"))
	contracts, err := p.Contracts("results")
	if err != nil {
		t.Fatal(err)
	}
	c := contracts[0]
	var headers []string
	for _, col := range c.Columns {
		headers = append(headers, col.Header)
	}
	if want := []string{"ID", "Score", "Pct", "Grade", "Date", "Year", "Level", "Name"}; !slices.Equal(headers, want) {
		t.Fatalf("headers %v, want %v", headers, want)
	}
	if id := c.Columns[0]; !id.Required || !slices.Equal(c.Student, []string{"ID"}) {
		t.Errorf("%+v, students under %v", id, c.Student)
	}
	if score := c.Columns[1]; score.Score == nil || score.Score.Datatype != "Integer" {
		t.Errorf("%+v", score)
	}
	if pct := c.Columns[2]; pct.Type != bundle.TypeInteger || pct.Score == nil || pct.Score.Datatype != "Percentile" {
		t.Errorf("%+v", pct)
	}
}
