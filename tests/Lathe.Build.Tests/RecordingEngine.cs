using System.Collections;
using System.Collections.Concurrent;
using Microsoft.Build.Framework;

namespace Lathe.Build.Tests;

/// <summary>What a task says to MSBuild.</summary>
internal sealed class RecordingEngine : IBuildEngine
{
    /// <summary>Errors as <c>file : id</c>.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>Warnings as <c>file : id: text</c>.</summary>
    public ConcurrentQueue<string> Warnings { get; } = new();

    /// <summary>The texts of the errors.</summary>
    public ConcurrentQueue<string> ErrorTexts { get; } = new();

    public bool ContinueOnError => false;

    public int LineNumberOfTaskNode => 0;

    public int ColumnNumberOfTaskNode => 0;

    public string ProjectFileOfTaskNode => "test.proj";

    public void LogErrorEvent(BuildErrorEventArgs e)
    {
        Errors.Enqueue($"{e.File} : {e.Code}");
        ErrorTexts.Enqueue(e.Message ?? "");
    }

    public void LogWarningEvent(BuildWarningEventArgs e) => Warnings.Enqueue($"{e.File} : {e.Code}: {e.Message}");

    public void LogMessageEvent(BuildMessageEventArgs e)
    {
    }

    public void LogCustomEvent(CustomBuildEventArgs e)
    {
    }

    public bool BuildProjectFile(string projectFileName, string[] targetNames, IDictionary globalProperties, IDictionary targetOutputs) => false;
}
