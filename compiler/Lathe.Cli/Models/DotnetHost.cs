using System.Runtime.InteropServices;

namespace Lathe.Cli.Models;

/// <summary>The <c>dotnet</c> of the runtime that this process runs on, for processes beside it.</summary>
internal static class DotnetHost
{
    /// <summary>Its path; <c>dotnet</c> alone, to be looked for on the path, where the runtime is not in the usual place.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        // …/shared/Microsoft.NETCore.App/10.0.0/ lies three levels below the host.
        string root = System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string host = System.IO.Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        return File.Exists(host) ? host : "dotnet";
    }
}
