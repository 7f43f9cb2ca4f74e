namespace Lathe.Compiler.Quantization;

/// <summary>How the range of a tensor's bytes follows from the values that it had: what lies outside is cut off, what lies inside has the coarser steps the wider the range.</summary>
public enum Calibrator
{
    /// <summary>All values.</summary>
    MinMax,

    /// <summary>All but the outermost: one of ten thousand at either end.</summary>
    Percentile,

    /// <summary>The range whose bytes tell most of how values are distributed (least Kullback-Leibler divergence), as in Migacz, 8-bit inference with TensorRT, 2017.</summary>
    Entropy,

    /// <summary>The range with the least mean of squared differences.</summary>
    Mse,
}
