#!/usr/bin/env bash
# bench-records.sh N FOLDER: the results of 200,000 made-up students, N in all, with all that they refer to, as another
# tool would write them: files of JSON lines, 2 KB a result.
set -euo pipefail
n=$1; out=$2; mkdir -p "$out"
ns=uri://bench.example.org
printf '{"assessmentIdentifier":"A%s","namespace":"%s/Assessment","assessmentTitle":"A","academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}]}\n' $(for a in 0 1 2 3; do echo $a $ns; done) > $out/assessments.jsonl
for a in 0 1 2 3; do for o in 0 1 2 3; do printf '{"assessmentReference":{"assessmentIdentifier":"A%s","namespace":"%s/Assessment"},"identificationCode":"goal %s"}\n' $a $ns $o; done; done > $out/objectiveAssessments.jsonl
for m in 0 1 2; do printf '{"namespace":"%s/AssessmentReportingMethodDescriptor","codeValue":"Score %s","shortDescription":"Score"}\n' $ns $m; done > $out/assessmentReportingMethodDescriptors.jsonl
printf '{"namespace":"%s/PerformanceLevelDescriptor","codeValue":"Pass","shortDescription":"Pass"}\n' $ns > $out/performanceLevelDescriptors.jsonl
awk -v n=$n -v ns=$ns 'BEGIN {
  for (m = 0; m < 3; m++) head[m] = "{\"assessmentReportingMethodDescriptor\":\"" ns "/AssessmentReportingMethodDescriptor#Score " m "\",\"resultDatatypeTypeDescriptor\":\"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer\",\"result\":\""
  for (i = 0; i < n; i++) {
    ref = "\"assessmentIdentifier\":\"A" i % 4 "\",\"namespace\":\"" ns "/Assessment\""
    scores = head[0] 100 + i % 400 "\"}," head[1] i % 99 "\"}," head[2] i % 7 "\"}"
    parts = ""
    for (o = 0; o < 2; o++) parts = parts (o ? "," : "") "{\"objectiveAssessmentReference\":{" ref ",\"identificationCode\":\"goal " o "\"},\"scoreResults\":[" head[0] 100 + (i + o) % 400 "\"}]}"
    printf "{\"studentAssessmentIdentifier\":\"r%d\",\"assessmentReference\":{%s},\"studentReference\":{\"studentUniqueId\":\"%d\"},\"schoolYearTypeReference\":{\"schoolYear\":2026},\"reportedSchoolReference\":{\"schoolId\":%d},\"administrationDate\":\"2026-03-%02dT14:00:00Z\",\"whenAssessedGradeLevelDescriptor\":\"uri://ed-fi.org/GradeLevelDescriptor#Third grade\",\"scoreResults\":[%s],\"performanceLevels\":[{\"assessmentReportingMethodDescriptor\":\"%s/AssessmentReportingMethodDescriptor#Score 0\",\"performanceLevelDescriptor\":\"%s/PerformanceLevelDescriptor#Pass\"}],\"studentObjectiveAssessments\":[%s]}\n", i, ref, 600000 + i % 200000, 255901300 + i % 100, 1 + i % 28, scores, ns, ns, parts
  }
}' > $out/studentAssessments.jsonl
