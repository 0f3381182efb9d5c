"""Operators: the allow-list of what a graph may be made of, in ONNX and in OpenVINO's format.

They compute an output from inputs alone. Left out is control flow (Loop, Scan, If and such), which
could go on for ever; what answers at random; what remembers; strings, images and sequences,
which no encoder needs; and whatever somebody else defines.
"""

_ARITHMETIC = """
Abs Add BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Clip CumSum Div Einsum Erf Exp
Floor Gemm MatMul Max Mean Min Mod Mul Neg Pow Reciprocal Round Sign Sqrt Sub Sum Acos Acosh Asin
Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Log And Or Not Xor Equal Greater GreaterOrEqual Less
LessOrEqual IsInf IsNaN Where
"""
_REDUCTION = """
ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
ReduceProd ReduceSum ReduceSumSquare TopK
"""
_SHAPE = """
Cast CastLike Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather
GatherElements GatherND Identity NonZero OneHot Pad Range Reshape ReverseSequence Scatter
ScatterElements ScatterND Shape Size Slice SpaceToDepth Split Squeeze TensorScatter Tile Transpose
Trilu Unique Unsqueeze
"""
_NETWORK = """
Attention AveragePool BatchNormalization Celu Conv Dropout Elu Gelu GlobalAveragePool GlobalMaxPool
GroupNormalization HardSigmoid HardSwish Hardmax InstanceNormalization LRN LayerNormalization
LeakyRelu LogSoftmax LpNormalization LpPool MaxPool MeanVarianceNormalization Mish PRelu
RMSNormalization Relu RotaryEmbedding Selu Shrink Sigmoid Softmax Softplus Softsign Swish
ThresholdedRelu
"""
_QUANTISED = """
ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul
QuantizeLinear
"""
_MICROSOFT = """
Attention BiasAdd BiasGelu BiasSplitGelu BiasDropout DequantizeLinear DynamicQuantizeMatMul
EmbedLayerNormalization FastGelu FusedConv FusedGemm FusedMatMul GatherBlockQuantized Gelu
GemmFastGelu GroupQueryAttention Inverse LayerNormalization MatMulBnb4 MatMulFpQ4
MatMulIntegerToFloat MatMulNBits MultiHeadAttention NhwcMaxPool PackedAttention
PackedMultiHeadAttention QAttention QEmbedLayerNormalization QGemm QLinearAdd QLinearAveragePool
QLinearConcat QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearReduceMean QLinearSigmoid
QLinearSoftmax QLinearWhere QuantizeLinear QuickGelu RelativePositionBias RemovePadding
RestorePadding RotaryEmbedding SimplifiedLayerNormalization SkipLayerNormalization
SkipSimplifiedLayerNormalization TransposeMatMul Trilu
"""

ONNX_OPERATORS = frozenset(
    (
        *f"{_ARITHMETIC} {_REDUCTION} {_SHAPE} {_NETWORK} {_QUANTISED}".split(),
        *(f"com.microsoft.{name}" for name in _MICROSOFT.split()),
    )
)
"""Names of ONNX's own operators, and of ONNX Runtime's with their domain before them."""

_IR = """
Parameter Const Constant Result
Abs Acos Acosh Add Asin Asinh Atan Atanh BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr
BitwiseRightShift BitwiseXor Ceiling Clamp Convert ConvertLike ConvertPromoteTypes Cos Cosh CumSum
Divide Einsum Equal Erf Exp Floor FloorMod Greater GreaterEqual IsFinite IsInf IsNaN Less LessEqual
Log LogicalAnd LogicalNot LogicalOr LogicalXor MatMul Maximum Minimum Mod Multiply Negative NotEqual
Power PowerStatic Round Select Sign Sin Sinh Sqrt SquaredDifference Subtract Tan Tanh
ReduceL1 ReduceL2 ReduceLogicalAnd ReduceLogicalOr ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum TopK
Broadcast Bucketize Concat DepthToSpace EmbeddingBagOffsets EmbeddingBagOffsetsSum
EmbeddingBagPacked EmbeddingBagPackedSum EmbeddingSegmentsSum Eye Gather GatherElements GatherND
GatherTree NonZero OneHot Pad Range Reshape Reverse ReverseSequence Roll ScatterElementsUpdate
ScatterNDUpdate ScatterUpdate ShapeOf Slice SliceScatter SpaceToBatch SpaceToDepth Split Squeeze
StridedSlice Tile Transpose Unique Unsqueeze VariadicSplit
AvgPool BatchNormInference Convolution Elu FakeConvert FakeQuantize GELU Gelu GroupConvolution
GroupNormalization HSigmoid HSwish HardSigmoid LRN LogSoftmax MVN MaxPool Mish NormalizeL2 PReLU
RMS ReLU RoPE Relu ScaledDotProductAttention SegmentMax Selu Sigmoid SoftMax SoftPlus SoftSign
Softmax Swish
"""

IR_LAYERS = frozenset(_IR.split())
"""Types of layers in OpenVINO's format (https://docs.openvino.ai, operation sets 1 to 16)."""
