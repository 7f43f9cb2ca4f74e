namespace Lathe.Kernels.Schedules;

/// <summary>
/// What the rules of a schedule leave open, decided: data, so that it can be listed, measured, written down and read again. Equal text is the same choice; a choice is
/// only ever taken out of the candidates for a computation, never made from text.
/// </summary>
public abstract record Choice
{
    /// <summary>One word that says what was chosen, as tuning records have it.</summary>
    public abstract string Text { get; }

    /// <inheritdoc/>
    public sealed override string ToString() => Text;

    /// <summary>The cost model's choice.</summary>
    internal static Choice First(IReadOnlyList<Choice> candidates) => candidates[0];
}

/// <summary>Takes one of the candidates that a schedule offers, of which the first is what the cost model takes.</summary>
/// <param name="candidates">All, at least one.</param>
internal delegate Choice Chooser(IReadOnlyList<Choice> candidates);

/// <summary>How the products of a stage are tiled.</summary>
/// <param name="Rows">Rows of the register tile.</param>
/// <param name="Panels">Panels of the register tile.</param>
/// <param name="VectorsPerPanel">Vectors of a panel.</param>
/// <param name="Unrolled">The most multiply-adds of the unrolled body.</param>
/// <param name="RowsOutside">True if all panels follow one another for each tile of rows, instead of all rows for each tile of panels.</param>
internal sealed record TileChoice(long Rows, long Panels, int VectorsPerPanel, long Unrolled, bool RowsOutside) : Choice
{
    /// <inheritdoc/>
    public override string Text => $"{Rows}x{Panels * VectorsPerPanel},{Unrolled},{(RowsOutside ? "rows" : "panels")}";
}

/// <summary>How much of a convolution by Winograd's algorithm is transformed together.</summary>
/// <param name="Down">Tiles of a strip, down.</param>
/// <param name="Across">Tiles of a strip, across.</param>
/// <param name="Panels">Panels of filters whose products follow one another.</param>
internal sealed record StripChoice(long Down, long Across, long Panels) : Choice
{
    /// <inheritdoc/>
    public override string Text => $"strip={Down}x{Across},panels={Panels}";
}
