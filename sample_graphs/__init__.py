"""Samples: short functions that read like a page of a textbook, each with a sentence on what to look for.

Run one with `edgegrad run sample_graphs/NAME.py -o NAME.svg`; every argument has a default.

    splitter               one value, two uses that send back 3 and 7: 10
    fan_out                one value, five uses, five different terms in one sum
    single_use             every value used once: no splitter, only the chain rule
    mistakes               a splitter's sum, and all that people write in its place: `audit` tells which
    residual               y = x + F(x): the skip and the main path add up to dL/dy * (1 + F'(x))
    resnet                 four residual blocks on arrays: the skips carry the gradient past every block
    rnn                    one recurrent matrix at every word of a sentence, one term for each
    attention              several heads that read the same keys and values
    weight_tying           one matrix that embeds words and un-embeds them again
    gradient_accumulation  micro-batches whose gradients add up to the full batch
    logistic               logistic regression on a hundred real irises
    newton                 a square root by Newton's method: a plain loop that stops on a tolerance
    black_scholes          the price of an option, whose gradients are the greeks

The irises (`iris.csv`) were measured by Edgar Anderson and published by R. A. Fisher (1936): public domain.
"""
