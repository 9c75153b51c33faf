"""What a SavedModel may compute: arithmetic, and moving numbers in memory.

A SavedModel is a program: TensorFlow has operations that read and write files, open connections and call Python.
"""

from __future__ import annotations

HARMLESS = frozenset(
    """
    Const Placeholder PlaceholderWithDefault Identity IdentityN NoOp StopGradient PreventGradient Snapshot EnsureShape
    PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Select SelectV2 Switch Merge

    VarHandleOp ReadVariableOp VarIsInitializedOp VariableShape ResourceGather
    AssignVariableOp AssignAddVariableOp AssignSubVariableOp

    Add AddV2 AddN AccumulateNV2 Sub Mul MulNoNan Div DivNoNan RealDiv FloorDiv FloorMod Mod TruncateDiv TruncateMod Pow
    Neg Abs Sign Square SquaredDifference Sqrt Rsqrt Reciprocal Inv Exp Expm1 Log Log1p Erf Sin Cos Tan Tanh Atan
    Sigmoid Floor Ceil Round Rint Maximum Minimum ClipByValue Xlogy IsNan IsInf IsFinite L2Loss
    Equal NotEqual Less LessEqual Greater GreaterEqual LogicalAnd LogicalOr LogicalNot ApproximateEqual
    Sum Mean Prod Max Min All Any ArgMax ArgMin Cumsum Cumprod TopKV2 Einsum MatMul BatchMatMul BatchMatMulV2
    BatchMatMulV3 Cast Bitcast

    Conv2D Conv DepthwiseConv2dNative Conv2DBackpropInput BiasAdd BiasAddV1 FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 MaxPool MaxPoolV2 AvgPool Relu Relu6 LeakyRelu Elu Selu Softplus Softsign Softmax LogSoftmax LRN
    SparseSoftmaxCrossEntropyWithLogits SoftmaxCrossEntropyWithLogits
    SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND SpaceToDepth DepthToSpace ExtractImagePatches
    ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea CropAndResize AdjustContrastv2 AdjustHue
    AdjustSaturation RGBToHSV HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3

    Shape ShapeN Size Rank Reshape Squeeze ExpandDims Transpose ConjugateTranspose Pack Unpack Concat ConcatV2
    ConcatOffset Split SplitV Slice StridedSlice Gather GatherV2 GatherNd ScatterNd TensorScatterUpdate Tile Fill Range
    LinSpace ZerosLike OnesLike OneHot Pad PadV2 MirrorPad Reverse ReverseV2 Roll BroadcastTo BroadcastArgs
    BroadcastGradientArgs InvertPermutation Where Unique DynamicStitch MatrixBandPart MatrixDiagV3

    RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal RngReadAndSkip RngSkip
    StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormalV2
    StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomUniformIntV2 StatelessRandomUniformFullIntV2
    StatelessTruncatedNormalV2
    """.split()  # noqa: SIM905 (as a table of words it can be read)
)
