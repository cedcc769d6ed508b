"""What would n reviews buy? The loop played through on labelled cases, many times, with made-up or real readers.

Read in this order:

    world     the labelled cases, and how one repetition divides them: start, queue, test
    readers   who reads: right so often, following the model so often; or people whose estimates are on file
    lines     the policies that are compared, and one repetition of one of them
    curves    many repetitions: bands, the gap closed, the reads it takes, one sentence

The policies are made of the functions that the product itself uses: the queue's order is `model.routing`, which
label of a case wins is `domain.label`, models are made by `model.candidates`.
"""
