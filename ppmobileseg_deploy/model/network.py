"""PP-MobileSeg: the whole network, from image to low-resolution logits."""

from torch import Tensor, nn

from .backbone import StrideFormer
from .config import PPMobileSegConfig
from .head import PPMobileSegHead


class PPMobileSeg(nn.Module):
    """PP-MobileSeg (Tang et al., arXiv 2304.05152).

    The keys and shapes of ``state_dict()`` are those of open-mmlab's checkpoints.

    Args:
        config: Which variant, see `ppmobileseg_deploy.model.config`.
        num_classes: Number of classes.
    """

    def __init__(self, config: PPMobileSegConfig, num_classes: int = 150) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
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
        """
        return self.decode_head(self.backbone(image))
