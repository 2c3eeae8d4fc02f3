package transform

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// exampleTables are the tables that the examples of the format leave out: the right columns, a row or two.
var exampleTables = map[string]map[string]string{
	"access": {
		"assessments":           "layout,assessment,title,category,subject\nstandard,ACCESS,ACCESS for ELLs,English,English Language Arts\nalternate,Alternate,Alternate ACCESS,English,English Language Arts\n",
		"scores":                "layout,header,kind,method,datatype\nstandard,Scale Score - Overall,score,Scale Score,Integer\nstandard,Proficiency Level - Overall,score,Proficiency Level,Decimal\n",
		"domains":               "domain\nListening\nReading\n",
		"domain_scores":         "header,kind,method,datatype\nScale Score - {domain},score,Scale Score,Integer\n",
		"accommodations":        "column,accommodation\nAccommodation - BR,Braille\n",
		"modes":                 "value,descriptor\nOnline,Testing Center\n",
		"assessment_categories": "value,descriptor\nEnglish,Other\n",
		"reasons":               "value,descriptor\nABS,Absent\n",
		"grade_levels":          "value,descriptor\n03,Third grade\n",
	},
	"ap": {
		"exams":         "exam,assessment,title,subject\n07,AP US History,AP United States History,Social Studies\n",
		"exam_scores":   "header,kind,method,datatype,minimum,maximum\nExam Grade {slot},score,Score,Integer,1,5\n",
		"exam_days":     "year,exam_day\n24,2024-05-06\n",
		"award_methods": "n,method\n1,First Award\n2,Second Award\n3,Third Award\n4,Fourth Award\n5,Fifth Award\n6,Sixth Award\n",
		"grade_levels":  "value,descriptor\n4,Ninth grade\n",
	},
	"circle": {
		"tests":        "test,language,assessment\nMath_v1,English,circle_math\n",
		"test_scores":  "header,kind,method,datatype\n{test},score,Score,Integer\nCP_{test},level,Cut Point,\n",
		"parts":        "test,part,objective\nMath_v1,Math_v1_Counting_v1,Math Counting Sets\n",
		"part_scores":  "header,kind,method,datatype\n{part},score,Score,Integer\nCP_{part},level,Cut Point,\n",
		"grade_levels": "value,descriptor\nPre-K,Preschool/Prekindergarten\n",
		"assessments":  "assessment,title,family,subject\ncircle_math,CIRCLE Mathematics,CIRCLE,Mathematics\n",
		"objectives":   "objective,assessment\nMath Counting Sets,circle_math\n",
	},
	"cogat": {
		"scores":         "header,kind,method,datatype\nStandard_Age_Score_SAS 7,score,Standard Age Score,Integer\n",
		"batteries":      "i,objective\n1,Verbal\n2,Quantitative\n",
		"battery_scores": "header,kind,method,datatype\nStandard_Age_Score_SAS {i},score,Standard Age Score,Integer\n",
		"modes":          "i,accommodation\n1,Large print\n",
		"grade_levels":   "value,descriptor\n3,Third grade\n",
	},
	"dibels": {
		"scores":         "header,kind,method,datatype\nComposite Score,score,Composite Score,Integer\nComposite Level,level,Composite Level,\n",
		"measures":       "label,objective,description\nLetter Names (LNF),LNF,Letter Names\nMaze,Maze,Maze\nBasic Comprehension (Maze),Maze,Maze\n",
		"measure_scores": "header,kind,method,datatype\n{label} - Score,score,Score,Decimal\n{label} - Level,level,Level,\n",
		"assessments":    "assessment,title,family,subject\nDibels-8,DIBELS 8th Edition,DIBELS,Reading\n",
		"grade_levels":   "value,descriptor\nK,Kindergarten\n",
	},
	"i-ready": {
		"assessments":           "layout,assessment,title,category,subject\nela,i-Ready Reading,i-Ready Reading,Diagnostic,Reading\nmath,i-Ready Mathematics,i-Ready Mathematics,Diagnostic,Mathematics\n",
		"scores":                "header,kind,method,datatype\nOverall Scale Score,score,Scale Score,Integer\nOverall Placement,level,Placement,\n",
		"layout_scores":         "layout,header,kind,method,datatype,objective\nela,Lexile Measure,score,Lexile Measure,Level,\nmath,Quantile Measure,score,Quantile Measure,Level,\nela,Phonics Scale Score,score,Scale Score,Integer,Phonics\n",
		"objectives":            "objective,assessment,parent,description\nPhonics,i-Ready Reading,,Phonics\n",
		"assessment_categories": "value,descriptor\nDiagnostic,Diagnostic\n",
		"grade_levels":          "value,descriptor\n3,Third grade\n",
	},
	"map-growth": {
		"scores":                "header,kind,method,datatype\nTestRITScore,score,RIT,Integer\n",
		"goal_scores":           "header,kind,method,datatype\nGoal{n}RitScore,score,RIT,Integer\nGoal{n}Adjective,level,Adjective,\n",
		"tests":                 "program,area,assessment\nGrowth,Reading,MAP Growth Reading\n",
		"academic_subjects":     "value,descriptor\nReading,Reading\n",
		"assessment_categories": "value,descriptor\nInterim,Benchmark test\n",
		"grade_levels":          "value,descriptor\n3,Third grade\n",
		"assessments":           "assessment,title,family,category,subject\nMAP Growth Reading,MAP Growth Reading,MAP Growth,Interim,Reading\n",
		"assessment_grades":     "assessment,grade\nMAP Growth Reading,3\n",
		"levels":                "method,level\nAdjective,Low\n",
		"goal_levels":           "method,level\nAdjective,Low\n",
	},
	"sat": {
		"sittings":              "sitting,stem\nLATEST,SAT\nADMIN2,SAT\n",
		"scores":                "header,kind,method,datatype,objective\n{sitting}_{stem}_TOTAL,score,Total,Integer,\n{sitting}_{stem}_MATH,score,Math,Integer,Math\n",
		"latest_scores":         "sitting,header,kind,method,datatype\nLATEST,PERCENTILE_NATREP,score,Percentile,Percentile\n",
		"versions":              "test,from,until,assessment\nSAT,,2016-02-28,SAT 2400\nSAT,2016-03-01,,SAT 1600\n",
		"assessments":           "assessment,title,category,subject\nSAT 1600,SAT,College,Composite\n",
		"objectives":            "objective,assessment,parent,description\nMath,SAT 1600,,Math\n",
		"assessment_categories": "value,descriptor\nCollege,College entrance exam\n",
		"grade_levels":          "value,descriptor\n99,\n",
	},
	"staar": {
		"subjects":        "stem,subject\nreading_language_arts,Reading\n",
		"subject_scores":  "header,kind,method,datatype\nscale_score_{stem},score,Scale Score,Integer\n",
		"category_scores": "header,kind,method,datatype\nreporting_category_{n}_{stem},score,Raw Score,Integer\n",
		"level_of_flags":  "approaches,meets,masters,level\nfalse,false,false,Did Not Meet\ntrue,false,false,Approaches\n",
		"categories":      "school_year,subject,n,category\n2023,Reading,1,Understanding\n",
		"windows":         "school_year,grade,subject,window,end\n2023,03,Reading,0523,2023-05-31\n",
		"grade_levels":    "value,descriptor\n03,Third grade\n",
	},
	"tx-kea": {
		"tests":       "group,test,assessment\nVocabulary,TXKEA_Vocabulary_1,txkea_vocabulary\n",
		"test_scores": "header,kind,method,datatype\n{group} Results__{test},score,Score,Integer\n",
		"parts":       "group,part,objective\nVocabulary,TXKEA_Vocabulary_2,Vocabulary 2\n",
		"part_scores": "header,kind,method,datatype\n{group} Results__{part},score,Score,Integer\n",
	},
	"wi-forward": {
		"subjects":       "subject,reason_code,assessment,title,academic_subject\nELA,ELA,Forward ELA,Forward ELA,English Language Arts\nMTH,MT,Forward Math,Forward Mathematics,Mathematics\n",
		"scores":         "subject,header,kind,method,datatype,objective\nELA,Scale_Score_ELA,score,Scale Score,Integer,\nMTH,Scale_Score_MTH,score,Scale Score,Integer,\nMTH,Points_Earned_MTH_OA,score,Points,Integer,OA\n",
		"accommodations": "accommodation,column,subject\nBraille,Braille_ELA,ELA\n",
		"objectives":     "objective,assessment,parent,description\nOA,Forward Math,,Operations\n",
		"grade_levels":   "value,descriptor\n03,Third grade\n",
		"reasons":        "value,descriptor\nABS,Absent\n",
	},
}

// exampleParams are the parameters that the examples require.
var exampleParams = map[string]string{"school_year": "2023", "test": "SAT"}

// example loads an example of the format; what abridged examples leave out of `descriptors`, and the
// layouts of fixed files, is put in.
func example(t *testing.T, name string) *bundle.Bundle {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared, "bundle-format/examples", name+".yaml"))
	if err != nil {
		t.Skip("shared examples are not here")
	}
	fsys := fstest.MapFS{"bundle.yaml": {Data: text}}
	for table, csv := range exampleTables[name] {
		fsys["tables/"+table+".csv"] = &fstest.MapFile{Data: []byte(csv)}
	}
	for _, m := range regexp.MustCompile(`fields: (\S+\.csv)`).FindAllStringSubmatch(string(text), -1) {
		fsys[m[1]] = &fstest.MapFile{Data: []byte("name,start,width\na,1,2\n")}
	}
	b, problems := bundle.Load(fsys, name, "test")
	if problems.Blocks() {
		t.Fatalf("load:\n%s", problemText(problems))
	}
	return b
}

func TestExamplesCompile(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(exampleTables)) {
		t.Run(name, func(t *testing.T) {
			b := example(t, name)
			given := map[string]string{}
			for _, d := range b.Params {
				if v, ok := exampleParams[d.Name.Value]; ok && d.Required {
					given[d.Name.Value] = v
				}
			}
			p, problems := Compile(Config{Bundle: b, Standards: []*schema.Standard{standard()}, Params: given})
			if p == nil {
				t.Fatalf("compile:\n%s", problemText(problems))
			}
			for _, name := range p.InputNames() {
				contracts, err := p.Contracts(name)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range contracts {
					if len(c.Columns) == 0 {
						t.Errorf("%s/%s has no columns", name, c.Layout)
					}
				}
			}
		})
	}
}

// rowOf writes a header and one row for a contract, with a value that fits each column.
func rowOf(c *Contract, values map[string]string) string {
	var header, row []string
	for _, col := range c.Columns {
		v, ok := values[col.Header]
		if !ok && col.Required && col.List == "" {
			v = map[bundle.Type]string{bundle.TypeInteger: "24", bundle.TypeDecimal: "1.5"}[col.Type]
			if len(col.Formats) > 0 {
				f, err := parseDateFormat(col.Formats[0], col.Type)
				if err != nil {
					panic(err)
				}
				v = f.write(instant{year: 2023, month: 3, day: 4, hour: 9}, true)
			} else if v == "" {
				v = "x" + fmt.Sprint(len(row))
			}
		}
		header, row = append(header, `"`+col.Header+`"`), append(row, `"`+v+`"`)
	}
	return strings.Join(header, ",") + "\n" + strings.Join(row, ",") + "\n"
}

// TestExamplesRun runs one made-up row through the examples whose format can be read.
func TestExamplesRun(t *testing.T) {
	for name, values := range map[string]map[string]string{
		"access":     {"State Student ID": "604821", "Grade": "03", "Scale Score - Overall": "310", "Scale Score - Listening": "300", "Accommodation - BR": "Y", "Test Completion Date": "1/1/2026", "Proficiency Level - Overall": "3.8"},
		"ap":         {"Student Identifier": "604821", "Admin Year 01": "24", "Exam Code 01": "7", "Exam Grade 01": "4", "Award Type 1": "3", "Award Year 1": "24", "AI Code": "100", "Grade Level": "4"},
		"circle":     {"Wave": "Wave 1", "School_Year": "22-23", "Student_State_ID": "604821", "Student_Grade_Level": "Pre-K", "Math_v1": "12", "CP_Math_v1": "OT", "Math_v1_Date": "9/1/2022 8:30", "Math_v1_Counting_v1": "3"},
		"dibels":     {"School Year": "2022-2023", "Primary ID - Student ID (State ID)": "604821", "Assessment Grade": "K", "Client Date": "2022-10-05", "Benchmark Period": "BOY", "Composite Score": "310", "Maze - Score": "2.5"},
		"i-ready":    {"Student ID": "604821", "Student State ID": "604821", "Student Grade": "3", "Academic Year": "2022-2023", "Start Date": "1/13/2023", "Overall Scale Score": "500", "Lexile Measure": "BR120L", "Phonics Scale Score": "400"},
		"map-growth": {"TermName": "Fall 2022-2023", "StudentID": "604821", "Student_StateID": "604821", "Subject": "Reading", "Course": "Reading", "TestName": "Growth: Reading", "TestStartDate": "09/16/2022", "TestRITScore": "208", "Goal1Name": "Matter, Force", "Goal1RitScore": "201", "Goal1Adjective": "Low"},
		"sat":        {"STATE_STUDENT_ID": "604821", "LATEST_SAT_DATE": "2022-10-12", "LATEST_SAT_GRADE": "99", "LATEST_SAT_TOTAL": "1200", "ADMIN2_SAT_DATE": "10/12/2015", "ADMIN2_SAT_TOTAL": "1100", "LATEST_SAT_MATH": "600"},
		"tx-kea":     {"Wave": "BOY", "School_Year": "22-23", "Student_State_ID": "604821", "Vocabulary Results__TXKEA_Vocabulary_1_Date": "9/1/2022", "Vocabulary Results__TXKEA_Vocabulary_1": "9", "Vocabulary Results__TXKEA_Vocabulary_2": "8"},
		"wi-forward": {"Year": "2023", "Grade": "3", "WISEID": "604821", "Unique_DB_KEY": "77", "ELA_Attempted_Status": "Y", "MTH_Attempted_Status": "N", "Reason_Not_Tested_MT": "ABS", "Scale_Score_ELA": "600"},
	} {
		t.Run(name, func(t *testing.T) {
			b := example(t, name)
			given := map[string]string{}
			for _, d := range b.Params {
				if v, ok := exampleParams[d.Name.Value]; ok && d.Required {
					given[d.Name.Value] = v
				}
			}
			if name == "ap" {
				given["school_year"] = "2024"
			}
			b.Inputs[0].HeaderRows, b.Inputs[0].JoinTitles = []int{1}, false
			p, problems := Compile(Config{Bundle: b, Standards: []*schema.Standard{standard()}, Params: given})
			if p == nil {
				t.Fatalf("compile:\n%s", problemText(problems))
			}
			contracts, err := p.Contracts("results")
			if err != nil {
				t.Fatal(err)
			}
			r := mustRun(t, p, "results", rowOf(contracts[len(contracts)-1], values))
			if r.Inputs["results"].Rejected > 0 {
				t.Errorf("rejected:\n%s", r.file(t, "problems", "transform.csv"))
			}
			checker, _ := standard().Checker("studentAssessments")
			for line := range strings.Lines(r.staged(t, "studentAssessments")) {
				var rec schema.Record
				checker.Check([]byte(strings.TrimSuffix(line, "\n")), &rec)
				for _, f := range rec.Findings {
					t.Errorf("%s %s %s", f.Code, f.Path, f.Message)
				}
			}
		})
	}
}
