"""Makes the tokenizers of this folder and the ids that the original library gives (README.md says how to run this).

Every tokenizer is trained here, on the sentences below, with another make of model, normalizer, pre-tokenizer, decoder and added tokens.
A tokenizer whose file is there is kept: training breaks ties by chance. Delete a file to train that tokenizer again.
"""
import json
import os
import tempfile

import sentencepiece
import sentencepiece.sentencepiece_model_pb2 as sentencepiece_model
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = os.path.dirname(os.path.abspath(__file__))

CORPUS = [
    "The old miller walked to the village and sold three sacks of flour for twelve coins.",
    "It's late, they'll say; we've seen 2 owls, 15 bats and 1234 moths in the tower.",
    "She doesn't know what I'd do, but you're right: don't concatenate the cats.",
    "A model with a mask keeps the weights that matter, and the others become zero.",
    "naïve café résumé Ångström Straße über Größe İstanbul ısı ığdır",
    "for (i = 0; i < 10; i++) { total += value[i] * 0.25; }  # a comment",
    "  two  spaces,\ttabs\nnew lines\r\nand more\n\n",
    "北京和东京都是首都。 こんにちは世界 안녕하세요",
    "Привет, мир! Как дела? שלום עולם مرحبا بالعالم ١٢٣",
    "½ of x² is 50 %, ﬁne ﬂow, № 7, “quoted” – dash — and … dots 👍 😀",
    "walking walked walker talks talking talked the then there these three through",
    "£5 £20 £300 £4 ·a ·b «c» «d» ×e ×f ¿g ¿h ±i ±j ¼k ¾l ²m ³n",
    "##prefix ##suffix re-entry over_write camelCase HTTPServer version2 item3",
]

TEXTS = [
    "",
    "   ",
    "one\r\ntwo\r\n\r\nthree \n\n four\t\tfive\r",
    "\ufeffmark at the start, \ufeffand one\ufeff within",
    "next\u0085line no\u00a0break em\u2003space zero\u200bwidth wide\u3000space line\u2028end \u0085 \u00a0 x",
    "cafe\u0301 naïve nai\u0308ve A\u030angstro\u0308m q\u0323\u0307 q\u0307\u0323 \u0301alone résumé",
    "👩‍👩‍👧‍👦 and 👍🏽, 🇹🇷! 😀😀 ❤️",
    "٠١٢٣ ۴۵۶ ½ ¼x x² y³ ⅷ ④ 1234 12,345.67 ７８ 一二三 10½",
    "东京是日本的首都。北京，中国 こんにちは 한국어 漢字かな交じり",
    "שלום עולם مرحبا بالعالم \u200frtl\u200e ltr مَرْحَبًا",
    "bell\u0007 nul\u0000 esc\u001b[0m del\u007f \u0001\u0002 \u000b\u000c end\u009f",
    "a" * 130 + " Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" + "xyz" * 20,
    "## a ##b c## ### ## the ##suffix #re-entry ▁ ▁▁ a▁b _ __ @@ </w>",
    "a <s> b</s>c<unk><pad> <mask> x [CLS] [SEP]<s>\n </s>the <s>the</s> <0x0A> <S>",
    "İstanbul ısı Iğdır IİIı ß ẞ Straße STRASSE GROẞ ŒUVRE Σίσυφος ΣΑΣ ǅ",
    "ﬁne ﬂow ﬃ Ⅳ ㎏ ① ｆｕｌｌ ％ ﷺ ſ K Å µ ª …",
    "It's what they'll DON'T we've'd  seen   walking, talking; the 3 cats' re-entry... (yes) “no” – 25%!",
    "cat concat cat, cats the-cat CAT cat_ 1cat catcat cat's «cat»",
    "The old miller walked to the village.\nThe old miller sold three sacks; it's late and the cats don't know what the model keeps.",
]
# This one is encoded with special tokens, too.
WITH_SPECIAL_TOKENS = 18

SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]

made = {}


def file_of(name):
    return os.path.join(FOLDER, name + ".json")


def make(name, model, trainer, *, normalizer=None, pre=None, post=None, decoder=None, added=(), change=None):
    if os.path.exists(file_of(name)):
        with open(file_of(name), encoding="utf-8") as file:
            made[name] = json.load(file)
        return
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(CORPUS, trainer)
    if post is not None:
        tokenizer.post_processor = post
    if decoder is not None:
        tokenizer.decoder = decoder
    for token in added:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    content = json.loads(tokenizer.to_str())
    if change is not None:
        change(content)
    made[name] = content


def bpe_trainer(size=330, special=SPECIAL, **options):
    return trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False, **options)


def byte_trainer(size=430, **options):
    return bpe_trainer(size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)


def unigram_trainer(size=250, **options):
    return trainers.UnigramTrainer(vocab_size=size, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False, **options)


def bytes_first(size=330):
    """Tokens for all bytes, as those of LLaMA have."""
    return bpe_trainer(size + 256, special=SPECIAL[:3] + BYTES)


def plain_bytes(content):
    """The tokens for bytes are made as added tokens, which LLaMA's are not."""
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] not in BYTES]


def template(special):
    return processors.TemplateProcessing(single=special, special_tokens=[("<s>", 1), ("</s>", 2)])


def llama_normalizer():
    return normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])


def llama_decoder():
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])


def casefold_map():
    """A small precompiled map of SentencePiece: case folding and some compatibility characters."""
    pairs = [(chr(c), chr(c + 32)) for c in range(65, 91)]
    pairs += [("ß", "ss"), ("ẞ", "ss"), ("İ", "i̇"), ("ﬁ", "fi"), ("ﬂ", "fl"), ("ﬃ", "ffi"), ("Ⅳ", "iv"), ("½", "1⁄2"), ("²", "2"), ("①", "1")]
    pairs += [("\u00a0", " "), ("\u3000", " "), ("\u0085", " "), ("\ufeff", ""), ("\u200b", " "), ("\n", " "), ("\r", " "), ("\t", " "), ("Σ", "σ"), ("ς", "σ")]
    pairs += [("e\u0301", "é"), ("i\u0308", "ï"), ("o\u0308", "ö"), ("A\u030a", "å")]
    with tempfile.TemporaryDirectory() as folder:
        rules, corpus = os.path.join(folder, "rules.tsv"), os.path.join(folder, "corpus.txt")
        codes = lambda text: " ".join(f"{ord(c):X}" for c in text)
        with open(rules, "w", encoding="utf-8") as file:
            file.writelines(f"{codes(a)}\t{codes(b)}\n" for a, b in pairs)
        with open(corpus, "w", encoding="utf-8") as file:
            file.writelines(line.replace("\n", " ").replace("\r", " ") + "\n" for line in CORPUS)
        prefix = os.path.join(folder, "model")
        sentencepiece.SentencePieceTrainer.train(
            input=corpus, model_prefix=prefix, vocab_size=200, normalization_rule_tsv=rules, minloglevel=2, hard_vocab_limit=False)
        proto = sentencepiece_model.ModelProto()
        with open(prefix + ".model", "rb") as file:
            proto.ParseFromString(file.read())
    return proto.normalizer_spec.precompiled_charsmap


def wordpiece_trainer(size=260, special=("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"), **options):
    return trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(special), show_progress=False, **options)


def word_trainer(size=150):
    return trainers.WordLevelTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False)


# BPE on bytes, as GPT-2, OPT, SmolLM2, Llama 3, Qwen.
make("bpe-gpt2", models.BPE(), byte_trainer(), pre=pre_tokenizers.ByteLevel(add_prefix_space=False), post=processors.ByteLevel(trim_offsets=False), decoder=decoders.ByteLevel())
make("bpe-opt", models.BPE(), byte_trainer(), pre=pre_tokenizers.ByteLevel(add_prefix_space=True), post=processors.RobertaProcessing(("</s>", 2), ("<s>", 1)), decoder=decoders.ByteLevel())
make("bpe-smollm2", models.BPE(), byte_trainer(), pre=pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]), decoder=decoders.ByteLevel())
make("bpe-llama3", models.BPE(ignore_merges=True), byte_trainer(), pre=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), post=processors.Sequence([processors.ByteLevel(trim_offsets=False), template("<s> $A")]), decoder=decoders.ByteLevel())
make("bpe-qwen2", models.BPE(), byte_trainer(), normalizer=normalizers.NFC(), pre=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), post=processors.ByteLevel(), decoder=decoders.ByteLevel())
make("bpe-falcon", models.BPE(), byte_trainer(), pre=pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits(), pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")]), decoder=decoders.ByteLevel())
make("bpe-bytes-whole", models.BPE(), byte_trainer(), pre=pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoder=decoders.ByteLevel())
make("bpe-byte-normalizer", models.BPE(), byte_trainer(), normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.ByteLevel()]), decoder=decoders.ByteLevel())

# BPE of SentencePiece's kind, as LLaMA, Mistral, Gemma.
make("bpe-llama", models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bytes_first(200), normalizer=llama_normalizer(), pre=pre_tokenizers.Metaspace(prepend_scheme="never"), post=template("<s> $A"), decoder=llama_decoder(), change=lambda content: (plain_bytes(content), content.update(pre_tokenizer=None)))
make("bpe-mistral", models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bytes_first(160), pre=pre_tokenizers.Metaspace(prepend_scheme="first"), post=template("<s> $A </s>"), decoder=llama_decoder(), change=lambda content: (plain_bytes(content), content["pre_tokenizer"].update(split=False)))
make("bpe-gemma", models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bytes_first(160), normalizer=normalizers.Replace(" ", "▁"), pre=pre_tokenizers.Split("▁", "merged_with_next"), decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]), change=lambda content: (plain_bytes(content), content["pre_tokenizer"].update(pattern={"String": " "}, behavior="MergedWithPrevious")))
make("bpe-fuse-unk", models.BPE(unk_token="<unk>", fuse_unk=True), bpe_trainer(150, limit_alphabet=40), normalizer=llama_normalizer(), pre=pre_tokenizers.Metaspace(prepend_scheme="never"), decoder=decoders.Metaspace(), change=lambda content: content.update(pre_tokenizer=None))
make("bpe-unk-each", models.BPE(unk_token="<unk>"), bpe_trainer(150, limit_alphabet=40), pre=pre_tokenizers.Metaspace(prepend_scheme="never", split=True), decoder=decoders.Metaspace(prepend_scheme="never"))
make("bpe-no-unk", models.BPE(), bpe_trainer(150, limit_alphabet=30), pre=pre_tokenizers.WhitespaceSplit(), decoder=decoders.Fuse())

# BPE with marks at parts of words.
make("bpe-prefix", models.BPE(unk_token="<unk>", continuing_subword_prefix="##"), bpe_trainer(300, continuing_subword_prefix="##"), pre=pre_tokenizers.Whitespace(), decoder=decoders.WordPiece())
make("bpe-suffix", models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), bpe_trainer(300, end_of_word_suffix="</w>"), normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]), pre=pre_tokenizers.BertPreTokenizer(), decoder=decoders.BPEDecoder())

# Other pre-tokenizers.
make("bpe-splits", models.BPE(unk_token="<unk>"), bpe_trainer(250), normalizer=normalizers.Strip(), pre=pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "merged_with_next"), pre_tokenizers.Split(Regex("[aeiou]"), "merged_with_previous"), pre_tokenizers.Split(Regex(r"\d"), "contiguous"), pre_tokenizers.Split(Regex(r"[^\n\r]+"), "removed", invert=True)]), decoder=decoders.CTC())
make("bpe-scripts", models.BPE(unk_token="<unk>"), bpe_trainer(250), normalizer=normalizers.NFKD(), pre=pre_tokenizers.Sequence([pre_tokenizers.UnicodeScripts(), pre_tokenizers.Digits()]))
make("bpe-fixed-length", models.BPE(unk_token="<unk>"), bpe_trainer(250), normalizer=normalizers.Nmt(), pre=pre_tokenizers.FixedLength(5))
make("bpe-added", models.BPE(unk_token="<unk>"), byte_trainer(300), normalizer=normalizers.Lowercase(), pre=pre_tokenizers.ByteLevel(), decoder=decoders.ByteLevel(), added=[
    AddedToken("cat", single_word=True, special=False), AddedToken("<mask>", lstrip=True, rstrip=True, special=True), AddedToken("THE", normalized=True, special=False), AddedToken("##", normalized=False, special=False)])
make("bpe-batch-settings", models.BPE(), byte_trainer(300), pre=pre_tokenizers.ByteLevel(add_prefix_space=False), decoder=decoders.ByteLevel(), change=lambda content: content.update(
    truncation={"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}, padding={"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 3, "pad_type_id": 0, "pad_token": "<pad>"}))

# Unigram, as T5, XLM-R and some of LLaMA's kin.
make("unigram-words", models.Unigram(), unigram_trainer(), pre=pre_tokenizers.Metaspace(), post=template("$A </s>"), decoder=decoders.Metaspace())
make("unigram-whole", models.Unigram(), unigram_trainer(), normalizer=normalizers.Replace(Regex(" {2,}"), " "), pre=pre_tokenizers.Metaspace(prepend_scheme="first"), decoder=decoders.Metaspace(prepend_scheme="first"), change=lambda content: content["pre_tokenizer"].update(split=False))
make("unigram-bytes", models.Unigram(), unigram_trainer(190), normalizer=llama_normalizer(), pre=pre_tokenizers.Metaspace(prepend_scheme="never"), decoder=llama_decoder(), change=lambda content: (content.update(pre_tokenizer=None), content["model"].update(byte_fallback=True), content["model"]["vocab"].extend([byte, -20.0] for byte in BYTES)))
make("unigram-casefold", models.Unigram(), unigram_trainer(), normalizer=normalizers.Sequence([normalizers.Precompiled(casefold_map()), normalizers.Replace(Regex(" {2,}"), " ")]), pre=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), post=template("$A </s>"), decoder=decoders.Metaspace())
make("unigram-nfkc", models.Unigram(), unigram_trainer(), normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]), pre=pre_tokenizers.Whitespace())

# WordPiece and WordLevel.
make("wordpiece-bert", models.WordPiece(unk_token="[UNK]"), wordpiece_trainer(), normalizer=normalizers.BertNormalizer(), pre=pre_tokenizers.BertPreTokenizer(), post=processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1)), decoder=decoders.WordPiece())
make("wordpiece-accents", models.WordPiece(unk_token="[UNK]", continuing_subword_prefix="@@", max_input_chars_per_word=40), wordpiece_trainer(continuing_subword_prefix="@@"), normalizer=normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), pre=pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]), decoder=decoders.WordPiece("@@"))
make("wordlevel-whitespace", models.WordLevel(unk_token="<unk>"), word_trainer(), pre=pre_tokenizers.Whitespace())
make("wordlevel-punctuation", models.WordLevel(unk_token="<unk>"), word_trainer(), normalizer=normalizers.Sequence([normalizers.Strip(left=True, right=False), normalizers.Lowercase()]), pre=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits()]))
make("wordlevel-delimiter", models.WordLevel(unk_token="<unk>"), word_trainer(), normalizer=normalizers.Replace(",", " ,"), pre=pre_tokenizers.CharDelimiterSplit(" "))
make("wordlevel-no-unk", models.WordLevel(unk_token="<absent>"), word_trainer(), pre=pre_tokenizers.WhitespaceSplit())

# Chance decides the tokens: refused.
make("bpe-dropout", models.BPE(dropout=0.1), byte_trainer(280), pre=pre_tokenizers.ByteLevel(), decoder=decoders.ByteLevel())


def encode(tokenizer, text, special_tokens):
    try:
        return tokenizer.encode(text, add_special_tokens=special_tokens).ids
    except Exception as error:
        return {"error": str(error)}


ids = {}
for name, content in made.items():
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    with open(file_of(name), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    if name == "bpe-dropout":
        continue
    tokenizer = Tokenizer.from_str(text)
    # As transformers does, unless it is asked for them.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids[name] = {"plain": [encode(tokenizer, text, False) for text in TEXTS], "special": encode(tokenizer, TEXTS[WITH_SPECIAL_TOKENS], True)}

with open(os.path.join(FOLDER, "ids.jsonl"), "w", encoding="utf-8") as file:
    head = {"library": f"tokenizers {tokenizers.__version__}", "withSpecialTokens": WITH_SPECIAL_TOKENS, "texts": TEXTS}
    file.write(json.dumps(head, ensure_ascii=True) + "\n")
    for name, found in ids.items():
        file.write(json.dumps({"tokenizer": name, **found}, separators=(",", ":")) + "\n")
print(len(made), "tokenizers,", sum(len(found["plain"]) for found in ids.values()), "encodings")
