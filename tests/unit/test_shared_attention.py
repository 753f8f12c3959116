import pytest
import tiny_models
import torch

from sgid.captions import load_captioner
from sgid.shared_attention import SharedCrossAttention, sharing_images


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    return load_captioner(tiny_models.save_blip(tmp_path_factory.mktemp("blip")))


def test_shared_attention_gives_the_librarys_context_up_to_rounding(blip):
    torch.manual_seed(0)
    own, width = blip.model.text_decoder.bert.encoder.layer[0].crossattention.self, 32
    images, tokens = torch.randn(3, 17, width), torch.randn(12, 5, width)
    copies = images.repeat_interleave(4, dim=0)
    with torch.inference_mode():
        expected = own(tokens, encoder_hidden_states=copies)[0]
        found = SharedCrossAttention(own, images)(tokens, encoder_hidden_states=copies)[0]
    torch.testing.assert_close(found, expected)


def test_the_decoder_is_the_librarys_again_after_an_error(blip):
    layers = blip.model.text_decoder.bert.encoder.layer
    before = [layer.crossattention.self for layer in layers]
    with (
        pytest.raises(RuntimeError, match="in between"),
        sharing_images(blip.model.text_decoder, torch.randn(1, 4, 32)),
    ):
        raise RuntimeError("in between")
    assert [layer.crossattention.self for layer in layers] == before
