namespace Lathe.Compiler.Quantization;

/// <summary>How the layers were chosen that stay in a higher precision.</summary>
/// <param name="Budget">The budget as it was given.</param>
/// <param name="Kept">How many layers stay in floats for it.</param>
/// <param name="Candidates">How many there were to choose from.</param>
/// <param name="SqnrDbBefore">The least ratio of signal to noise of an output with none of them kept, in decibels.</param>
/// <param name="SqnrDb">The same as it is.</param>
/// <param name="LostPointsBefore">The points of top-1 agreement lost with none of them kept; null where no output has classes.</param>
/// <param name="LostPoints">The same as it is.</param>
/// <param name="Trials">How many choices were tried.</param>
public sealed record MixedPrecision(string Budget, int Kept, int Candidates, double SqnrDbBefore, double SqnrDb, double? LostPointsBefore, double? LostPoints, int Trials);
