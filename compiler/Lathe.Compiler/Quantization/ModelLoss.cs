using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>What a model's outputs lose, summed over samples.</summary>
internal sealed class ModelLoss
{
    private readonly OutputLoss[] _outputs;
    private readonly Agreement _agreement = new();

    /// <summary>Of nothing yet.</summary>
    public ModelLoss(IEnumerable<string> outputs) => _outputs = [.. outputs.Select(o => new OutputLoss(o))];

    /// <summary>Each output.</summary>
    public IReadOnlyList<OutputError> Errors => [.. _outputs.Select(o => o.Error())];

    /// <summary>The least ratio of signal to noise of an output, in decibels.</summary>
    public double Decibels => _outputs.Min(o => o.Decibels);

    /// <summary>How many points of top-1 agreement are lost, in the first output that has classes; null if none has.</summary>
    public double? LostPoints => _agreement.Items == 0 ? null : 100.0 * (_agreement.Items - _agreement.Top1) / _agreement.Items;

    /// <summary>Takes in a sample.</summary>
    public void Add(IReadOnlyList<TensorData> exact, IReadOnlyList<TensorData> rounded)
    {
        for (int i = 0; i < _outputs.Length; i++) _outputs[i].Add(exact[i], rounded[i]);
        int classes = exact.ToList().FindIndex(e => Agreement.FormOf(e) is not null);
        if (classes >= 0 && exact[classes].Count == rounded[classes].Count) _agreement.Add(rounded[classes], exact[classes], _ => null);
    }

    /// <summary>By how much more is lost than may be, in the budget's unit; not positive where the budget is kept to.</summary>
    public double Over(LossBudget budget) => budget.Decibels is { } least ? least - Decibels : (LostPoints ?? 0) - budget.Points!.Value;

    /// <summary>In words.</summary>
    public string InWords(LossBudget budget) => FormattableString.Invariant(budget.Decibels is null ? (FormattableString)$"{LostPoints:F2} points of top-1 agreement lost" : $"{Decibels:F1} dB");
}
