"""PP-MobileSeg: the whole network, from image to low-resolution logits."""

from math import log

from torch import Tensor, nn
from torch.nn import functional as F

from .backbone import StrideFormer
from .config import PPMobileSegConfig
from .head import PPMobileSegHead


class PPMobileSeg(nn.Module):
    """PP-MobileSeg (Tang et al., arXiv 2304.05152).

    The keys and shapes of ``state_dict()`` are those of open-mmlab's checkpoints.

    Args:
        config: Which variant, see `ppmobileseg_deploy.model.config`.
        num_classes: Number of channels of the head.
        threshold: Of a head of one channel, which was trained with a sigmoid (``out_channels=1``
            in mmsegmentation): the probability above which a pixel is of class 1, and of class 0
            elsewhere. None leaves the one logit as it is.
    """

    def __init__(
        self, config: PPMobileSegConfig, num_classes: int = 150, threshold: float | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.threshold = threshold
        self.backbone = StrideFormer(config)
        self.decode_head = PPMobileSegHead(config.embedding, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits before any upsampling.

        Args:
            image: float32 (batch, 3, height, width), RGB, normalised with ADE20K's mean and
                standard deviation; at least 32 pixels a side, any size from there.

        Returns:
            float32 (batch, num_classes, h, w), where h and w are the input's divided by 16
            (tiny) or 8 (base). For sides that are no multiple of 32 the map at 1/8 is rounded
            up, and tiny halves that and rounds down. `model.upsampling` turns it into labels.
            With a threshold there are two channels, see `with_background`.
        """
        logits = self.decode_head(self.backbone(image))
        return logits if self.threshold is None else with_background(logits, self.threshold)


def with_background(logit: Tensor, threshold: float) -> Tensor:
    """Put the logit that class 1 has to exceed before its own, as class 0.

    The sigmoid grows with its logit. So it is above the threshold where the logit is above
    ``log(threshold / (1 - threshold))``: a constant, which stays what it is however it is
    interpolated. What decides is the larger logit then, as with any number of classes.

    Args:
        logit: float32 (batch, 1, h, w).
        threshold: In (0, 1).

    Returns:
        float32 (batch, 2, h, w).
    """
    # Not a channel of the last convolution: in integers that would be rounded.
    return F.pad(logit, (0, 0, 0, 0, 1, 0), value=log(threshold / (1 - threshold)))
