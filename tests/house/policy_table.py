"""The README's policy table is the one that include/jitcorral/policy.h makes."""

import subprocess
import sys

readme = open("README.md").read()
made = subprocess.run(["scripts/policy-table"], check=True, capture_output=True, text=True).stdout.strip()
begin, end = "<!-- policy-table -->", "<!-- /policy-table -->"
if begin not in readme or end not in readme:
    print("README.md lacks the marks of the policy table")
    sys.exit(1)
if readme.split(begin)[1].split(end)[0].strip() != made:
    print("README.md's policy table is old: replace it by what scripts/policy-table prints")
    sys.exit(1)
print("the table is true")
