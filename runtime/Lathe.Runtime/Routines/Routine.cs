namespace Lathe.Runtime.Routines;

/// <summary>A routine: reads and writes the tensors of a call. Runs on one thread and allocates no managed memory.</summary>
internal delegate void RoutineCode(RoutineCall call);

/// <summary>Every routine, by the name under which plans call it. Public so that the compiler can name what there is.</summary>
public static class Routine
{
    /// <summary>The names of all routines.</summary>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    private static Dictionary<string, RoutineCode> Table { get; } = new(StringComparer.Ordinal)
    {
        [nameof(CheckIndices)] = CheckIndices.Run,
        [nameof(Cumulate)] = Cumulate.Run,
        [nameof(DFT)] = DFT.Run,
        [nameof(Det)] = Det.Run,
        [nameof(Draw)] = Draw.Run,
        [nameof(MaxUnpool)] = MaxUnpool.Run,
        [nameof(MelWeightMatrix)] = MelWeightMatrix.Run,
        [nameof(NonMaxSuppression)] = NonMaxSuppression.Run,
        [nameof(NonZero)] = NonZero.Run,
        [nameof(ScaleFractions)] = ScaleFractions.Run,
        [nameof(ScatterElements)] = ScatterElements.Run,
        [nameof(ScatterND)] = ScatterND.Run,
        [nameof(TensorScatter)] = TensorScatter.Run,
        [nameof(TopK)] = TopK.Run,
        [nameof(Unique)] = Unique.Run,
    };

    internal static RoutineCode? Find(string name) => Table.GetValueOrDefault(name);
}
