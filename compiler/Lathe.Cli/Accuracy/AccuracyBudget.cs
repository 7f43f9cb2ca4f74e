using System.Globalization;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Quantization;

namespace Lathe.Cli.Accuracy;

/// <summary>How much accuracy a lower precision may cost: points of top-1 agreement, as <c>0.5</c>, or the least ratio of signal to error, as <c>30dB</c>.</summary>
/// <param name="Text">As the user wrote it.</param>
/// <param name="Points">The points of agreement that may be lost; null for a ratio.</param>
/// <param name="Decibels">The least ratio in dB; null for points.</param>
/// <param name="Warns">True if more than that is a warning only.</param>
internal sealed record AccuracyBudget(string Text, double? Points, double? Decibels, bool Warns)
{
    private const string WarnSuffix = ",warn";

    /// <summary>How many layers a message names.</summary>
    private const int Named = 5;

    /// <summary>Reads a budget.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static AccuracyBudget Parse(string text)
    {
        bool warns = text.EndsWith(WarnSuffix, StringComparison.OrdinalIgnoreCase);
        try
        {
            LossBudget budget = LossBudget.Parse(warns ? text[..^WarnSuffix.Length] : text);
            return new(text, budget.Points, budget.Decibels, warns);
        }
        catch (FormatException none)
        {
            throw new FormatException($"{none.Message}; behind either may stand {WarnSuffix}", none);
        }
    }

    /// <summary>What to tell the user of a comparison; null if it keeps to the budget.</summary>
    /// <exception cref="FailedException">Points are given for a model without classes.</exception>
    public Diagnostic? Judge(AccuracyReport report)
    {
        string found;
        if (Decibels is { } least)
        {
            OutputAccuracy worst = report.Outputs.MinBy(o => o.IsEqual ? double.PositiveInfinity : double.IsNaN(o.SqnrDb) ? double.NegativeInfinity : o.SqnrDb)!;
            if (worst.IsEqual || worst.SqnrDb >= least) return null;
            found = double.IsNaN(worst.SqnrDb) ? $"output '{worst.Name}' has numbers on one side only" : string.Create(CultureInfo.InvariantCulture, $"output '{worst.Name}' has {worst.SqnrDb:F1} dB");
        }
        else
        {
            OutputAccuracy? scores = report.Outputs.FirstOrDefault(o => o.Top1Agreement is not null);
            if (scores is null) throw new FailedException(report.Model, DiagnosticTable.BadOption, "--accuracy-budget", "no output has scores of classes, [items, classes], that could agree: give a ratio such as 30dB");
            double lost = 100 * (1 - scores.Top1Agreement!.Value);
            if (lost <= Points) return null;
            found = string.Create(CultureInfo.InvariantCulture, $"output '{scores.Name}' agrees in {100 - lost:F2} %");
        }

        string layers = string.Join(", ", report.Layers.Where(l => !double.IsPositiveInfinity(l.SqnrDb)).Take(Named)
            .Select(l => double.IsNaN(l.SqnrDb) ? $"'{l.Name}'" : string.Create(CultureInfo.InvariantCulture, $"'{l.Name}' ({l.SqnrDb:F1} dB)")));
        return new Diagnostic(
            Warns ? DiagnosticTable.OverBudgetWarning : DiagnosticTable.OverBudget, null, Text, report.Precision, report.Samples.ToString(CultureInfo.InvariantCulture), found, layers.Length > 0 ? layers : "none");
    }
}
