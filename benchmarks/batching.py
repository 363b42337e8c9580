"""Judgments per second, 8 decoded together against one at a time.

    python benchmarks/batching.py              # 6 layers of 320 as the default model, source 600
    python benchmarks/batching.py --layers 12 --hidden 768 --heads 12 --vocabulary 20000

A generator of random weights writes as many tokens for each of 8 random sources; fails where a
batch gets other tokens than one by one.
"""

from __future__ import annotations

from timing import Endless, best_of, random_generator, random_sources, report, sizes

from spaces.generate.beam import beam_search


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = sizes(__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.set_defaults(layers=6, hidden=320, heads=5, vocabulary=9677)
    asked = parser.parse_args(arguments)
    model = Endless(random_generator(asked))
    sources = random_sources(asked, asked.batch)
    rows = []
    for beams in asked.beams:
        found: dict[str, list] = {}

        def together(beams=beams, found=found):
            found["batch"] = beam_search(model, sources, beams=beams, max_new_tokens=asked.new)

        def singly(beams=beams, found=found):
            found["one"] = [
                beam_search(model, [source], beams=beams, max_new_tokens=asked.new)[0]
                for source in sources
            ]

        fast, slow = best_of(asked.repeat, together, singly)
        if [h.tokens for h in found["batch"]] != [h.tokens for h in found["one"]]:
            raise SystemExit(f"{beams} beams: a batch and one by one give other tokens")
        rows.append(
            {
                "beams": beams,
                "batch": asked.batch / fast,
                "one": asked.batch / slow,
                "ratio": slow / fast,
            }
        )
    return report(
        asked,
        rows,
        "beams {beams}: {batch:.2f} judgments/s together, {one:.2f} singly, {ratio:.1f} times",
    )


if __name__ == "__main__":
    main()
