"""Texts, bytes, regular expressions, hashes and FORMAT."""

STRINGS = [
    *(
        f"{name}({{{a}}})"
        for name in ("length", "byte_length", "octet_length", "reverse", "to_hex")
        for a in "sy"
        if (name, a) != ("to_hex", "s")
    ),
    *(
        f"{name}({{s}})"
        for name in ("char_length", "character_length", "upper", "lower", "initcap", "ascii", "unicode", "soundex")
    ),
    *("upper({y})", "lower({y})", "initcap({s}, {w})", "chr({i})", "ascii({y})"),
    *(f"{name}({{s}})" for name in ("trim", "ltrim", "rtrim")),
    *(f"{name}({{s}}, {{w}})" for name in ("trim", "ltrim", "rtrim")),
    *(f"{name}({{y}}, {{v}})" for name in ("trim", "ltrim", "rtrim")),
    *(f"{name}({{s}}, {{k}})" for name in ("substr", "substring", "left", "right", "repeat")),
    *(f"{name}({{s}}, {{k}}, {{k2}})" for name in ("substr", "substring")),
    *("substr({y}, {k})", "substr({y}, {k}, {k2})", "left({y}, {k})", "right({y}, {k})", "repeat({y}, {k})"),
    *("substr(cast({t} as string), 1, 10)", "substr({s}, 1, 3)", "substr({s}, -2)"),
    *(f"{name}({{s}}, {{k}})" for name in ("lpad", "rpad")),
    *(f"{name}({{s}}, {{k}}, {{w}})" for name in ("lpad", "rpad")),
    *("lpad({y}, {k})", "rpad({y}, {k}, {v})", "lpad(cast({i} as string), 2, '0')"),
    *("replace({s}, {w}, {w2})", "replace({y}, {v}, {v2})", "translate({s}, 'abc', 'xy')", "translate({s}, {w}, {w2})"),
    *(f"{name}({{s}}, {{w}})" for name in ("strpos", "instr", "starts_with", "ends_with", "contains_substr")),
    *(f"{name}({{y}}, {{v}})" for name in ("strpos", "instr", "starts_with", "ends_with")),
    *(
        "instr({s}, {w}, {k})",
        "instr({s}, {w}, -1)",
        "instr({s}, {w}, {k}, {k2})",
        "instr('banana', 'an', -1)",
        "instr('banana', 'an', 1, 2)",
    ),
    *(
        "concat({s}, {w})",
        "concat({s}, {w}, {s2})",
        "concat({y}, {v})",
        "concat({s})",
        "concat('a', cast({i} as string))",
    ),
    *(
        "split({s})",
        "split({s}, {w})",
        "split({s}, 'X')",
        "split({y}, {v})",
        "split({s}, '')",
        "split('a,b,,c', ',')[offset(1)]",
    ),
    *("array_to_string({S}, {w})", "array_to_string({S}, ',', '?')", "array_to_string(['a', null, 'b'], ',')"),
    *("array_to_string(['a', null, 'b'], ',', 'N')", "array_to_string([b'a', b'b'], b',')"),
    *(
        "to_code_points({s})",
        "to_code_points({y})",
        "code_points_to_string([65, 233, 128512])",
        "code_points_to_bytes([65, 255])",
    ),
    *("code_points_to_string([{i}])", "code_points_to_bytes([{i}])"),
    *(
        "to_base64({y})",
        "from_base64(to_base64({y}))",
        "from_base64('YWJj')",
        "from_base64('YW?j')",
        "to_base32({y})",
        "from_base32('MFRGG===')",
    ),
    *("from_hex('00ff')", "from_hex('0FF')", "from_hex('zz')", "from_hex(to_hex({y}))"),
    *("safe_convert_bytes_to_string({y})", "normalize({s})", "normalize({s}, nfkd)", "normalize_and_casefold({s})"),
    *(
        "edit_distance({s}, {w})",
        "collate({s}, 'und:ci')",
        "safe.substr({s}, {k}, {k2})",
        "safe.left({s}, {k})",
        "safe.chr({i})",
    ),
    *("safe.repeat({s}, {k})", "safe.from_hex({s})", "safe.from_base64({s})", "safe.split({s}, {w})"),
]
_REGEX = (
    *(
        "'a'",
        "'^a'",
        "'b$'",
        "'[a-c]+'",
        "'(a)(b)?'",
        "'(?i)A'",
        "''",
        "'X|c'",
        r"'\\d+'",
        "'('",
        "'.'",
        r"'\\s'",
        "'(?P<n>b)'",
        r"'\\p{L}+'",
    ),
    *("'a{2}'", "'a*'", r"'\\bb'", "'(a'", "'a(?=b)'", r"'\\w+'"),
)
REGEXP = [
    *(f"regexp_contains({{s}}, {pattern})" for pattern in _REGEX),
    *(f"regexp_extract({{s}}, {pattern})" for pattern in _REGEX),
    *(f"regexp_extract_all({{s}}, {pattern})" for pattern in _REGEX),
    *(f"regexp_replace({{s}}, {pattern}, {by})" for pattern in _REGEX for by in ("'-'", r"'<\\0>'", "''")),
    *(
        r"regexp_replace({s}, '(a)(b)', '\\2\\1')",
        r"regexp_replace({s}, 'a', '\\1')",
        r"regexp_replace({s}, 'a', 'x\\\\y')",
    ),
    *("regexp_extract({s}, '[a-c]', {k})", "regexp_extract({s}, '[a-c]', 1, {k})", "regexp_substr({s}, '[a-c]+')"),
    *("regexp_instr({s}, '[bc]')", "regexp_instr({s}, '[a-c]', 2)", "regexp_instr({s}, {w})"),
    *("regexp_contains({s}, {w})", "regexp_extract({s}, {w})", "regexp_replace({s}, {w}, {w2})"),
    *(
        "regexp_contains({y}, b'b')",
        "regexp_extract({y}, b'b.')",
        "regexp_replace({y}, b'b', b'-')",
        "regexp_extract_all({y}, b'.')",
    ),
    *("safe.regexp_contains({s}, '(')", "safe.regexp_extract({s}, '(')", "regexp_contains({s}, r'^[^@]+@[^@]+$')"),
]
HASHES = [
    *(f"{name}({{{a}}})" for name in ("farm_fingerprint", "md5", "sha1", "sha256", "sha512") for a in "sy"),
    *(
        "to_hex(md5({s}))",
        "to_hex(sha256(concat({s}, '|', {w})))",
        "to_base64(sha1({s}))",
        "mod(farm_fingerprint({s}), 10)",
    ),
    *("abs(mod(farm_fingerprint({s}), 100))", "length(generate_uuid())", "rand() >= 0 and rand() < 1"),
]
_I = (
    "'%d'",
    "'%i'",
    "'%5d'",
    "'%-5d|'",
    "'%05d'",
    "'%+d'",
    "'% d'",
    '"%\'d"',
    "'%x'",
    "'%X'",
    "'%o'",
    "'%t'",
    "'%T'",
    "'%,d'",
)
_F = ("'%f'", "'%.2f'", "'%10.3f'", "'%e'", "'%E'", "'%g'", "'%G'", "'%t'", "'%T'", '"%\'.2f"', "'%.0f'", "'%-8.1f|'")
_S = ("'%s'", "'%10s|'", "'%-10s|'", "'%.2s'", "'%t'", "'%T'", "'%%%s'")
FORMAT = [
    *(f"format({words}, {{i}})" for words in _I),
    *(f"format({words}, {{f}})" for words in _F),
    *(f"format({words}, {{n}})" for words in ("'%f'", "'%.2f'", "'%t'", "'%T'", "'%g'")),
    *(f"format({words}, {{s}})" for words in _S),
    *(f"format('%{letter}', {{{a}}})" for a in "bdtpmyIS" for letter in "tT"),
    *(
        "format('%s-%d', {s}, {i})",
        "format('%d %s', {s}, {i})",
        "format('no arguments')",
        "format('%d')",
        "format('%*d', 5, {i})",
    ),
    *(
        "format('%p', json '{\"a\": 1}')",
        "format('%P', json '[1]')",
        "format({s}, {i})",
        "format('%d', {f})",
        "format('%s', {i})",
    ),
]
FAMILIES = {"strings": STRINGS, "regular expressions": REGEXP, "hashes": HASHES, "format": FORMAT}
