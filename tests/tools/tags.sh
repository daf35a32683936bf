#!/usr/bin/env bash
# tags.sh - every row of lang/diag.def has a test of its name: a golden file TAG.*.bt, or, for what no pinned kernel can
# show, a test elsewhere that names the tag.
cd "$(dirname "$0")/../.." || exit 1
n=0 missing=0
for tag in $(sed -n 's/^E(\([A-Z_]*\),.*/\1/p' lang/diag.def); do
    n=$((n + 1))
    compgen -G "tests/golden/*/$tag.*.bt" >/dev/null && continue
    grep -rqw --include='*.c' --include='*.sh' --include='*.t' --include='*.bt' "$tag" tests && continue
    echo "no test for $tag"
    missing=$((missing + 1))
done
echo "$((n - missing)) passed, $missing failed, 0 skipped"
[ $missing = 0 ]
