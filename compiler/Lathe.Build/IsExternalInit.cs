namespace System.Runtime.CompilerServices;

/// <summary>What the C# compiler asks for where records are made for a framework that lacks it.</summary>
internal static class IsExternalInit;
