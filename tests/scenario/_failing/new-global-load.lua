-- exit 2: "cal" is not declared: write `local cal`
-- says: FILE:3
cal = 1
