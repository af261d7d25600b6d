"""Routines that find keys by their hashes, compiled once in a process.

A key is `width` ints, those of entry k stand at k · width of `codes`.  `places`, a power of two of them, hold the
numbers of entries, each at the hash of its key or behind it; -1 where there has never been one, -2 where one has been
dropped.  At least one of them is free.
"""

from __future__ import annotations

_HASH = """
define internal i64 @"zyg.hash"(i64 %width, ptr %key, i64 %count) nounwind {
entry:
  br label %loop
loop:
  %j = phi i64 [ 0, %entry ], [ %after, %body ]
  %hash = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %j, %width
  br i1 %more, label %body, label %done
body:
  %at = getelementptr inbounds i64, ptr %key, i64 %j
  %part = load i64, ptr %at
  %both = xor i64 %hash, %part
  %spread = mul i64 %both, -7046029254386353131
  %high = lshr i64 %spread, 29
  %next = xor i64 %spread, %high
  %after = add i64 %j, 1
  br label %loop
done:
  %mask = sub i64 %count, 1
  %found = and i64 %hash, %mask
  ret i64 %found
}"""

_FIND = """
define i64 @"zyg.find.i"(i64 %count, ptr %places, i64 %width, ptr %codes, ptr %key) nounwind {
entry:
  %start = call i64 @"zyg.hash"(i64 %width, ptr %key, i64 %count)
  %mask = sub i64 %count, 1
  br label %loop
loop:
  %at = phi i64 [ %start, %entry ], [ %following, %other ]
  %place = getelementptr inbounds i64, ptr %places, i64 %at
  %number = load i64, ptr %place
  %free = icmp eq i64 %number, -1
  br i1 %free, label %none, label %taken
taken:
  %dropped = icmp eq i64 %number, -2
  br i1 %dropped, label %other, label %compare
compare:
  %first = mul i64 %number, %width
  %own = getelementptr inbounds i64, ptr %codes, i64 %first
  br label %parts
parts:
  %j = phi i64 [ 0, %compare ], [ %after, %alike ]
  %more = icmp slt i64 %j, %width
  br i1 %more, label %part, label %found
part:
  %one.at = getelementptr inbounds i64, ptr %own, i64 %j
  %two.at = getelementptr inbounds i64, ptr %key, i64 %j
  %one = load i64, ptr %one.at
  %two = load i64, ptr %two.at
  %same = icmp eq i64 %one, %two
  br i1 %same, label %alike, label %other
alike:
  %after = add i64 %j, 1
  br label %parts
other:
  %behind = add i64 %at, 1
  %following = and i64 %behind, %mask
  br label %loop
found:
  ret i64 %number
none:
  ret i64 -1
}"""

# Put an entry where there is none yet, or note that it has been dropped: the first place from its hash on that holds
# `wanted` gets `put`
_SET = """
define i64 @"zyg.{name}.i"(i64 %count, ptr %places, i64 %width, ptr %codes, i64 %number) nounwind {{
entry:
  %first = mul i64 %number, %width
  %key = getelementptr inbounds i64, ptr %codes, i64 %first
  %start = call i64 @"zyg.hash"(i64 %width, ptr %key, i64 %count)
  %mask = sub i64 %count, 1
  br label %loop
loop:
  %at = phi i64 [ %start, %entry ], [ %following, %other ]
  %place = getelementptr inbounds i64, ptr %places, i64 %at
  %here = load i64, ptr %place
  %right = icmp eq i64 %here, {wanted}
  br i1 %right, label %found, label %other
other:
  %behind = add i64 %at, 1
  %following = and i64 %behind, %mask
  br label %loop
found:
  store i64 {put}, ptr %place
  ret i64 0
}}"""


def text_i() -> str:
    place = _SET.format(name="place", wanted="-1", put="%number")
    drop = _SET.format(name="drop", wanted="%number", put="-2")
    return _HASH + _FIND + place + drop
