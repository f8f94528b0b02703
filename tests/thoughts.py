"""How models mark their thoughts: what they write before them and after them."""

from __future__ import annotations

BLOCKS = {
    "tags": ("<think>", "</think>"),
    "capitals": ("<THINK>", "</Think>"),
    "thinking": ("<thinking>\n", "\n</thinking>\n"),
    "thought": ("<Thought>", "</Thought>"),
    "reasoning": ("<reasoning>", "</reasoning>"),
    "scratchpad": ("<scratchpad>", "</scratchpad>"),
    "attributes": ('<think budget="5" lang=en>', "</think>"),
    "spaces": ("< think >", "</ think >"),
    "namespaces": ("<seed:think>", "</seed:think>"),
    "escaped": ("&lt;think&gt;", "&lt;/think&gt;"),
    "brackets": ("[THINK]", "[/THINK]"),
    "small brackets": ("[thinking]\n", "\n[/thinking]\n"),
    "triangles": ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    "bars": ("<|thinking|>", "<|/thinking|>"),
    "bars, slash before": ("<|thinking|>", "</|thinking|>"),
    "Cohere": ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    "Sky": ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>\n"),
    "Gemma": ("<|channel>thought\n", "<channel|>"),
    "nested": ("<think>a <think>b</think> ", "</think>"),
    "nested, of two kinds": ("<thinking><reasoning>x</reasoning>", "</thinking>"),
    "several": ("<think>x</think>\n<think>", "</think>"),
    "empty ones before": ("<think></think><thinking>", "</thinking>"),
    "speaking of its marks": ("<think>I close with `</think>`, not \"<think>\" or '</thinking>'. ", "</think>"),
}
"""Blocks, which may stand anywhere in a reply."""

HEADS = {
    "with an envelope": ("<think>", "</think>\n<answer>\n"),
    "an end alone": ("", "</think>"),
    "an end alone on its line": ("ok ", "\n</thinking>\n\n"),
    "an end twice": ("<think>a</think>", " b</think>"),
    "harmony": ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    "harmony, held to JSON": (
        "<|start|>assistant<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>",
    ),
    "harmony with commentary": (
        "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>commentary<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    "harmony, begun by the template": ("", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    "harmony without its tokens": ("analysisWe draft ", "assistantfinal"),
    "harmony without its tokens, on lines": ("analysis\nThe ", "\nassistant\nfinal"),
    "harmony without its tokens, with commentary": ("analysisWe ", "assistantcommentaryHm, {}?assistantfinal"),
    "harmony without its tokens, begun by the template": ("We need ", "assistantfinal"),
    "Granite": ("Here is my thought process: ", "\nHere is my response: "),
    "Granite, shorter": ("Here's my thought process:\n", "\nHere's my response:\n"),
}
"""Everything before the second mark is thought."""
